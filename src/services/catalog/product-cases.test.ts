/**
 * Product files from the field, one an exact place where an import once went wrong. Those in `ok/`
 * were always read well, and stay so.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CatalogFixture, openCatalog } from '../../../test/catalog-fixture.ts';
import { type PostgresFixture, startPostgres } from '../../../test/postgres-fixture.ts';

const folder = path.resolve(import.meta.dirname, '../../../test/catalog/cases');
const load = (name: string) => readFileSync(path.join(folder, `${name}.csv`));

let postgres: PostgresFixture;
let catalog: CatalogFixture;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());
beforeEach(async () => {
  catalog = await openCatalog(postgres);
});
afterEach(() => catalog.close());

const importCase = async (name: string) => (await catalog.importFile(load(name))).body;
const product = async (handle: string) =>
  (await catalog.call('GET', `/api/admin/products/${encodeURIComponent(handle)}`)).body;
const exported = async () => (await catalog.call('GET', '/api/admin/products/export')).text;
/** What stands in the answer: `warning row column`. */
const remarks = ({ errors, warnings }: Awaited<ReturnType<typeof importCase>>) => [
  ...errors.map(({ row, column }) => `error ${row} ${column}`),
  ...warnings.map(({ row, column }) => `warning ${row} ${column}`),
];

interface Case {
  readonly products: Readonly<Record<string, object>>;
  readonly remarks?: readonly string[];
}
const mug = { title: 'Mug', variants: [{ sku: 'MUG-1', available: 5, counted: true }] };
const one = (variant: object) => ({ variants: [variant] });
const sku = 'Variant SKU';
const quantity = 'Variant Inventory Qty';

const cases: Readonly<Record<string, Case>> = {
  '03-utf16be-bom': { products: { mug: { ...mug, title: 'Müg' } } },
  '05-semicolon': { products: { mug } },
  '06-tab': { products: { mug } },
  '09-sep-line': { products: { mug } },
  '11-price-comma': { products: { mug: one({ price: { amount: 1250, currency: 'USD' } }) } },
  '13-negative-quantity': {
    products: { mug: one({ available: 0, counted: true }), cup: one({ available: 5 }) },
    remarks: [`warning 2 ${quantity}`],
  },
  '14-duplicate-sku-two-products': {
    products: { a: one({ sku: 'SAME' }), b: one({ sku: 'SAME-2', available: 5 }) },
    remarks: [`warning 3 ${sku}`],
  },
  '15-duplicate-sku-in-product': {
    products: { a: { variants: [{ sku: 'SAME' }, { sku: 'SAME-2', title: 'M' }] } },
    remarks: [`warning 3 ${sku}`],
  },
  '16-empty-option-value': {
    products: {
      a: {
        options: [{ name: 'Size', values: ['S', 'Default'] }],
        variants: [{ sku: 'A-S' }, { sku: 'A-X', options: { Size: 'Default' }, available: 5 }],
      },
    },
    remarks: ['warning 3 Option1 Value'],
  },
  '17-split-product': {
    products: { a: { variants: [{ title: 'S' }, { title: 'M' }] }, b: one({ sku: 'B1' }) },
    remarks: ['warning 4 Handle'],
  },
  '20-formula-title': {
    products: { a: { title: '=1+1', vendor: '+x', tags: ['-y'], ...one({ sku: '=CMD' }) } },
  },
  '24-http-image': {
    products: { a: { images: [{ url: 'https://pictures.example/a.jpg', alt: 'A picture' }] } },
    remarks: ['warning 2 Image Src'],
  },
  '25-image-with-spaces': {
    products: { a: { images: [{ url: 'https://pictures.example/a%20b%20%C3%A9.jpg' }] } },
  },
  '26-image-protocol-relative': {
    products: { a: { images: [{ url: 'https://cdn.example/a.jpg' }] } },
  },
  '31-title-newline-tab': { products: { a: { title: 'A B C' } } },
  '35-handle-300': { products: {} },
  '36-status-archived-unlisted': {
    products: {
      a: { status: 'archived', published: false },
      b: { status: 'unlisted', published: true },
      c: { status: 'active', published: true },
      d: { status: 'draft', published: false },
      e: { status: 'active', published: false },
    },
  },
  '37-gift-card': {
    products: { mug: { giftCard: true, published: false } },
    remarks: ['warning 2 Gift Card'],
  },
  '39-huge-html-table': {
    products: {
      a: {
        descriptionHtml:
          '<table><thead><tr><th colspan="2">Size</th></tr></thead><tbody><tr>' +
          '<td rowspan="2">S</td><td>1</td></tr></tbody></table><h1>Big</h1>' +
          '<details><summary>More</summary>text</details><span lang="fr" dir="rtl">rouge</span>' +
          '<a rel="nofollow noopener" href="tel:+123">call</a>' +
          '<a rel="nofollow noopener" href="https://cdn.example/x.pdf">pdf</a>' +
          '<a rel="nofollow noopener" href="/pages/size">size</a>',
      },
    },
  },
  '41-untracked-inventory': {
    products: { a: one({ counted: false, available: 1_000 }), b: one({ counted: false }) },
  },
  '48-qty-decimal': {
    products: { a: one({ available: 5 }), b: one({ available: 1_000 }) },
    remarks: [`error 4 ${quantity}`],
  },
  '55-product-fffd': { products: {}, remarks: ['error 2 Title'] },
};

describe('a file from the field', () => {
  it.each(Object.entries(cases))('%s is understood, with a word where it matters', async (name) => {
    const wanted = cases[name] as Case;
    expect(remarks(await importCase(name))).toEqual(wanted.remarks ?? []);
    for (const [handle, fields] of Object.entries(wanted.products)) {
      expect(await product(handle)).toMatchObject(fields);
    }
    // What comes out goes in again and changes nothing.
    const file = await exported();
    const { errors, created } = (await catalog.importFile(file)).body;
    expect([errors, created]).toEqual([[], 0]);
    expect(await exported()).toBe(file);
    expect((await catalog.call('GET', '/internal/integrity')).body.holds).toBe(true);
  });

  it('imported twice makes the same products', async () => {
    for (const name of ['14-duplicate-sku-two-products', '15-duplicate-sku-in-product']) {
      await importCase(name);
      const before = await exported();
      expect((await importCase(name)).created).toBe(0);
      expect(await exported()).toBe(before);
    }
  });

  it('exports formulas so that no spreadsheet runs them', async () => {
    await importCase('20-formula-title');
    const file = await exported();
    expect(file).toContain("a,'=1+1,'@SUM(A1),'+x,,'-y,");
    expect(file).not.toMatch(/(^|,)[=+@-]/m);
  });

  it('keeps two long handles apart', async () => {
    expect((await importCase('35-handle-300')).created).toBe(1);
    const long = load('35-handle-300').toString();
    const other = long.replace(',Mug,', 'y,Other,').replace(',M1,', ',M2,');
    expect((await catalog.importFile(other)).body.created).toBe(1);
    expect((await catalog.importFile(long)).body).toMatchObject({ created: 0, updated: 1 });
  });

  it('shows an unlisted product to who knows its address, and in no list', async () => {
    await importCase('36-status-archived-unlisted');
    const statuses = await Promise.all(
      [...'abcde'].map(
        async (handle) => (await catalog.call('GET', `/api/products/${handle}`)).status,
      ),
    );
    expect(statuses).toEqual([404, 200, 200, 404, 404]);
    const { body } = await catalog.call('GET', '/api/products');
    expect(body.items.map(({ title }) => title)).toEqual(['C']);
  });

  it('says why a letter that was lost before cannot be read', async () => {
    const { errors } = await importCase('55-product-fffd');
    expect(errors[0]?.message).toMatch(/lost before it came here/);
  });
});

describe('a file with few columns', () => {
  const before = async (name: string, handles: readonly string[]) => {
    await importCase(name);
    return Promise.all(handles.map(product));
  };
  const ignoring = (changed: unknown) =>
    JSON.parse(JSON.stringify(changed, (key, value) => (key === 'version' ? undefined : value)));

  it.each([
    ['partial-single-stock', { available: [50, 9] }],
    ['partial-single-price', { price: [1_100, 1_100] }],
  ])('%s changes only that column, and a draft stays a draft', async (name, changes) => {
    const products = await before('partial-before', ['mug', 'secret']);
    expect(remarks(await importCase(name))).toEqual([]);
    const wanted = products.map((each, index) => ({
      ...each,
      variants: each.variants.map((variant) => ({
        ...variant,
        ...('available' in changes ? { available: changes.available?.[index] } : {}),
        ...('price' in changes
          ? { price: { amount: changes.price?.[index], currency: 'USD' } }
          : {}),
      })),
    }));
    const after = await Promise.all(['mug', 'secret'].map(product));
    expect(ignoring(after)).toEqual(ignoring(wanted));
    expect(after[1]).toMatchObject({ published: false });
  });

  const sizes = (stockS: number, stockM: number, priceS = 1_000) => ({
    descriptionHtml: '<p>Soft cotton</p>',
    vendor: 'Weaver',
    tags: ['a', 'b'],
    published: true,
    images: [{ url: 'https://p.example/1.jpg' }, { url: 'https://p.example/2.jpg' }],
    variants: [
      { sku: 'T-S', available: stockS, price: { amount: priceS }, options: { Size: 'S' } },
      { sku: 'T-M', available: stockM, price: { amount: 1_100 }, options: { Size: 'M' } },
    ],
  });

  it.each<[string, object]>([
    ['partial-one-variant-only', sizes(5, 7, 900)],
    ['partial-refused-handle-and-qty-only', sizes(50, 70)],
    ['partial-refused-sku-and-qty-only', sizes(50, 7)],
    ['partial-refused-stock-file', sizes(50, 70)],
    ['partial-refused-status-only', sizes(5, 7)],
    [
      'partial-refused-images-only',
      { ...sizes(5, 7), images: [{ url: 'https://p.example/9.jpg' }] },
    ],
  ])('%s is carried out', async (name, wanted) => {
    await importCase('partial-before-two-sizes');
    const report = await importCase(name);
    expect(report).toMatchObject({ created: 0, updated: 1, errors: [], warnings: [] });
    expect(await product('tee')).toMatchObject(wanted);
  });

  it('partial-header-typo names the unknown columns, wipes nothing they may mean', async () => {
    await importCase('partial-before-two-sizes');
    const report = await importCase('partial-header-typo');
    expect(remarks(report)).toEqual(['warning 1 Body HTML )', 'warning 1 Tag']);
    expect(report.warnings.map(({ message }) => message)).toEqual([
      'unknown column, not imported; did you mean "Body (HTML)"?',
      'unknown column, not imported; did you mean "Tags"?',
    ]);
    expect(await product('tee')).toMatchObject(sizes(5, 7));
  });

  it('says what is really missing', async () => {
    const unknown = await catalog.importFile('Variant SKU,Variant Inventory Qty\nNONE,1\n');
    expect(remarks(unknown.body)).toEqual([`error 2 ${sku}`]);
    const fresh = await catalog.importFile('Handle,Variant SKU,Variant Inventory Qty\nnew,N,1\n');
    expect(remarks(fresh.body)).toEqual(['error 2 Title', 'error 2 Variant Price']);
  });
});

describe('a file that was always read well', () => {
  const mine: Readonly<Record<string, readonly [created: number, ...remarks: string[]]>> = {
    '07-crlf-multiline': [1],
    '08-cr-only': [2],
    '22-no-handle-repeated-title': [1],
    '38-compare-at-lower': [3],
    '42-thousand-tags': [0, 'error 2 Tags'],
    '43-four-options': [1, 'warning 1 Option4 Name', 'warning 1 Option4 Value'],
    '44-quote-unclosed': [1, 'error 3 Title'],
    '45-inch-mark-in-unquoted': [2],
    '47-nbsp-cells': [2],
    '50-empty': [0, 'error 1 '],
    '51-header-only': [0],
    '53-html-page': [0, 'error 1 <!doctype html><html><body>Sign in</body></html>'],
    '54-xlsx': [0, 'error 1 '],
    '56-compare-only-variant-row': [0, 'error 3 Variant Price'],
    '58-option2-without-name': [0, 'error 3 Option1 Value', 'warning 2 Option2 Value'],
    '60-sku-case': [2],
  };
  const names = readdirSync(path.join(folder, 'ok')).map((file) => file.replace('.csv', ''));

  it.each(names)('%s still is', async (name) => {
    const [created, ...wanted] = mine[name] ?? [1];
    const report = await importCase(`ok/${name}`);
    expect([report.created, ...remarks(report)]).toEqual([created, ...wanted]);
  });
});
