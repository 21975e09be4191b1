import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CatalogFixture, openCatalog } from '../../../test/catalog-fixture.ts';
import { type PostgresFixture, startPostgres } from '../../../test/postgres-fixture.ts';
import { AnswerReader, bundlePath } from '../../kit/http/call-wire.ts';

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

const header = 'Handle,Title,Type,Tags,Option1 Name,Option1 Value,Variant SKU,Variant Price,';
const fileOf = (...rows: string[]) =>
  [`${header}Variant Inventory Qty,Image Src`, ...rows].join('\n');
const bears = fileOf(
  'bear,Teddy Bear,Plush,"soft, brown",Size,S,BEAR-S,12.99,3,/media/bear.webp',
  'bear,,,,,L,,19.99,0,/media/bear-2.webp',
  'train,Crème Train,Wooden,fast,Title,Default Title,TRAIN,30,1,',
);
const integrity = async () => (await catalog.call('GET', '/internal/integrity')).body;

describe('an import', () => {
  it('makes products that can be seen, found and bought', async () => {
    expect((await catalog.importFile(bears)).body).toEqual({
      created: 2,
      updated: 0,
      rows: 3,
      errors: [],
      warnings: [],
    });
    const { body } = await catalog.call('GET', '/api/products/bear');
    expect(body).toMatchObject({
      handle: 'bear',
      title: 'Teddy Bear',
      tags: ['soft', 'brown'],
      images: [
        { url: '/media/bear.webp', alt: '' },
        { url: '/media/bear-2.webp', alt: '' },
      ],
      options: [{ name: 'Size', values: ['S', 'L'] }],
      variants: [
        { sku: 'BEAR-S', title: 'S', options: { Size: 'S' }, available: 3, compareAtPrice: null },
        { sku: 'BEAR-L', title: 'L', price: { amount: 1_999, currency: 'USD' }, available: 0 },
      ],
      version: expect.any(Number),
    });
    expect(typeof body.id).toBe('string');
  });

  it('twice changes no count, and a new count is in the books', async () => {
    await catalog.importFile(bears);
    expect((await catalog.importFile(bears)).body).toMatchObject({ created: 0, updated: 2 });
    const before = (await integrity()).invariants[0]?.figures;
    expect(before).toMatchObject({ initial: 4, restocked: 0, available: 4 });
    await catalog.importFile(bears.replace('12.99,3', '12.99,1'));
    const after = await integrity();
    expect(after.invariants[0]?.figures).toMatchObject({ initial: 4, restocked: -2, available: 2 });
    expect(after.holds).toBe(true);
  });

  it('keeps the good products of a file with bad ones', async () => {
    const answer = await catalog.importFile(
      fileOf(
        'a,A,,,,,A,1,1,',
        'b,B,,,Size,S,B,1,1,',
        'b,,,,,M,C,-1,1,',
        'c,C,,,,,A,1,1,',
        'd,D,,,,,,1,1,',
      ),
    );
    expect(answer.body).toMatchObject({ created: 3, rows: 5 });
    expect(answer.body.errors.map((e) => [e.row, e.column])).toEqual([[4, 'Variant Price']]);
    expect(answer.body.warnings.map((e) => [e.row, e.column])).toEqual([[5, 'Variant SKU']]);
    expect((await catalog.call('GET', '/api/products/b')).status).toBe(404);
    expect((await catalog.call('GET', '/api/products/d')).body.variants[0]?.sku).toBe('D');
    const taken = await catalog.importFile(fileOf('e,E,,,,,A,1,1,', 'f,F,,,,,F,1,1,'));
    const message = 'the SKU "A" belongs to another product: "A-3" is used';
    expect(taken.body).toMatchObject({
      created: 2,
      errors: [],
      warnings: [{ row: 2, column: 'Variant SKU', message }],
    });
  });

  it('of an old export puts no sold units back, and does what the owner changed', async () => {
    await catalog.importFile(bears);
    const file = (await catalog.call('GET', '/api/admin/products/export')).text;
    await catalog.call('POST', '/internal/reserve', {
      batch: [
        {
          checkoutId: '019a0000-0000-7000-8000-000000000001',
          lines: [{ sku: 'BEAR-S', quantity: 2 }],
        },
      ],
    });
    const left = async () => (await catalog.call('GET', '/api/products/bear')).body.variants[0];
    await catalog.importFile(file);
    expect(await left()).toMatchObject({ available: 1 });
    await catalog.importFile(file.replace('BEAR-S,,shopify,3,3,', 'BEAR-S,,shopify,13,3,'));
    expect(await left()).toMatchObject({ available: 11 });
    const counted = file.replace('Exported Inventory Qty', 'Google Shopping / Custom Label 0');
    await catalog.importFile(counted);
    expect(await left()).toMatchObject({ available: 3 });
    expect((await integrity()).holds).toBe(true);
  });

  it('is for staff only', async () => {
    const url = '/api/admin/products/import';
    const type = { 'content-type': 'text/csv' };
    expect((await catalog.call('POST', url, bears, type, null)).status).toBe(401);
    expect((await catalog.call('POST', url, bears, type, 'customer')).status).toBe(403);
    expect((await catalog.call('POST', url, bears, type, 'staff')).status).toBe(200);
  });

  it('of an export leaves a product where another one named its collection', async () => {
    const variants = [{ options: {}, price: { amount: 1, currency: 'USD' }, available: 1 }];
    const named = { title: 'A', type: 'Toys, Games' };
    const tagged = { title: 'B', tags: ['toys & games'] };
    const explicit = { title: 'C', collections: ['Bears, large', 'toys games'] };
    for (const body of [named, tagged, explicit]) {
      await catalog.call('POST', '/api/admin/products', { ...body, variants });
    }
    const file = (await catalog.call('GET', '/api/admin/products/export')).text;
    const collections = file.split('\n').map((line) => /,active,(.*)$/.exec(line)?.[1]);
    expect(collections.slice(1, 4)).toEqual(['', '', '"""Toys, Games"", ""Bears, large"""']);
    await catalog.importFile(file);
    const { body } = await catalog.call('GET', '/api/collections');
    expect(body.items.map(({ title }) => title)).toEqual(['Bears, large', 'Toys, Games']);
    const shared = await catalog.call('GET', '/api/collections/toys-games');
    expect(shared.body.productCount).toBe(3);
  });

  it('of an export makes the same catalog again', async () => {
    const word = fc.stringMatching(/^[a-z"',<&éß ]{1,12}$/).filter((text) => /[a-z]/.test(text));
    const product = fc.record({
      title: word,
      descriptionHtml: fc.array(word).map((words) => words.map((w) => `<p>${w}</p>`).join('')),
      vendor: word,
      type: fc.oneof(word, fc.constant('')),
      tags: fc.array(word),
      collections: fc.option(fc.array(word, { minLength: 1, maxLength: 2 }), { nil: undefined }),
      published: fc.boolean(),
      images: fc.array(fc.constantFrom('/media/a.webp', 'https://x.example/b.png'), {
        maxLength: 2,
      }),
      sizes: fc.uniqueArray(fc.constantFrom('S', 'M', 'L', 'X, L'), { minLength: 1, maxLength: 3 }),
      amount: fc.nat(100_000),
      available: fc.nat(50),
    });
    let number = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(product, { minLength: 1, maxLength: 4 }), async (products) => {
        for (const { sizes, amount, available, images, ...rest } of products) {
          number += 1;
          const price = { amount, currency: 'USD' };
          const variants = sizes.map((Size) => ({ options: { Size }, price, available }));
          const pictures = [...new Set(images)].map((url) => ({ url, alt: rest.vendor.trim() }));
          const body = { ...rest, handle: `p${number}`, variants, images: pictures };
          expect((await catalog.call('POST', '/api/admin/products', body)).text).toContain('p');
        }
        const exported = (await catalog.call('GET', '/api/admin/products/export')).text;
        const { body } = await catalog.importFile(exported);
        expect(body).toMatchObject({ created: 0, updated: number, errors: [] });
        expect((await catalog.call('GET', '/api/admin/products/export')).text).toBe(exported);
      }),
      { numRuns: 8 },
    );
    expect((await integrity()).holds).toBe(true);
  });
});

describe('a list of products', () => {
  beforeEach(async () => {
    const rows = Array.from(
      { length: 25 },
      (_, n) => `toy-${n},Toy ${n % 7},Box,,,,T${n},${n % 5},1,`,
    );
    await catalog.importFile(`${bears}\n${rows.join('\n')}`);
  });
  const titles = async (query: string): Promise<string[]> => {
    const { body } = await catalog.call('GET', `/api/products?${query}`);
    return body.items.map((item) => item.title);
  };

  it('finds words in any form, without accents, and the last one unfinished', async () => {
    expect(await titles('search=bears')).toEqual(['Teddy Bear']);
    expect(await titles('search=creme%20tr')).toEqual(['Crème Train']);
    expect(await titles('search=BEAR-L')).toEqual(['Teddy Bear']);
    expect(await titles('search=brown%20te')).toEqual(['Teddy Bear']);
    expect(await titles('search=%21%21')).toEqual([]);
    expect(await titles('search=zebra')).toEqual([]);
  });

  it('has collections: by type, else by tags', async () => {
    expect(await titles('collection=plush')).toEqual(['Teddy Bear']);
    const { body } = await catalog.call('GET', '/api/collections');
    expect(body.items.map((c) => c.title)).toEqual(['Box', 'Plush', 'Wooden']);
    expect((await catalog.call('GET', '/api/collections/box')).body.productCount).toBe(25);
    expect((await catalog.call('GET', '/api/collections/none')).status).toBe(404);
  });

  it.each(['title', 'price', '-price', 'newest', 'match&search=toy'])(
    'sorted by %s, shows everything once, page by page',
    async (sort) => {
      const seen: { id: string; title: string; price: { amount: number } }[] = [];
      let after = '';
      do {
        const url = `/api/products?sort=${sort}&limit=4${after && `&after=${after}`}`;
        const { body } = await catalog.call('GET', url);
        seen.push(...body.items);
        after = body.next ?? '';
      } while (after !== '');
      expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length);
      expect(seen.length).toBe(sort.startsWith('match') ? 25 : 27);
      const prices = seen.map(({ price }) => price.amount);
      if (sort === 'price') expect(prices).toEqual(prices.toSorted((a, b) => a - b));
      if (sort === '-price') expect(prices).toEqual(prices.toSorted((a, b) => b - a));
      const names = seen.map(({ title }) => title.toLowerCase());
      if (sort === 'title') expect(names).toEqual(names.toSorted());
    },
  );

  it('shows what is not counted as in stock, with the count to send it back with', async () => {
    const price = { amount: 100, currency: 'USD' };
    const variants = [{ sku: 'E-BOOK', price, counted: false }];
    const { body } = await catalog.call('POST', '/api/admin/products', { title: 'Book', variants });
    expect(body.variants).toMatchObject([{ sku: 'E-BOOK', available: 1_000, counted: false }]);
    const listed = await catalog.call('GET', '/api/products?search=book');
    expect(listed.body.items).toMatchObject([{ title: 'Book', inStock: true }]);
    const patch = (change: object) =>
      catalog.call('PATCH', '/api/admin/products/book', { variants: [change] });
    expect((await patch({ sku: 'E-BOOK', available: 1_000 })).status).toBe(200);
    const counted = await patch({ sku: 'E-BOOK', available: 5 });
    expect(counted.status).toBe(422);
    expect(counted.body.errors).toMatchObject([{ path: 'body/variants/0/available' }]);
  });

  it('refuses what it cannot understand', async () => {
    expect((await catalog.call('GET', '/api/products?sort=luck')).status).toBe(422);
    expect((await catalog.call('GET', '/api/products?limit=1000')).status).toBe(422);
    expect((await catalog.call('GET', '/api/products?after=nonsense')).status).toBe(400);
    const after = Buffer.from('["x",1]').toString('base64url');
    expect((await catalog.call('GET', `/api/products?sort=price&after=${after}`)).status).toBe(400);
  });
});

describe('what a cache reads in an answer', () => {
  const figures = async (url: string) => {
    const { headers } = await catalog.call('GET', url);
    return [headers['surrogate-key'], Number(headers['surrogate-version']), headers['etag']];
  };
  const buy = (id: number, quantity: number) =>
    catalog.call('POST', '/internal/reserve', {
      batch: [
        {
          checkoutId: `019a0000-0000-7000-8000-00000000000${id}`,
          lines: [{ sku: 'BEAR-S', quantity }],
        },
      ],
    });

  it('raises the product with every sale, the listing only when stock comes or goes', async () => {
    await catalog.importFile(bears);
    const [productKey, first] = await figures('/api/products/bear');
    const [, listed] = await figures('/api/products');
    expect(productKey).toMatch(/^product-\d+$/);
    await buy(1, 1);
    expect((await figures('/api/products/bear'))[1]).toBeGreaterThan(Number(first));
    expect(await figures('/api/products')).toEqual(['listing', listed, `"l${listed}"`]);
    await buy(2, 2);
    expect((await figures('/api/products'))[1]).toBe(Number(listed) + 1);
    const { body } = await catalog.call('GET', '/api/products?search=teddy');
    expect(body.items[0]).toMatchObject({ inStock: false });
  });

  it('is a 304 to a client that has it already', async () => {
    await catalog.importFile(bears);
    const [, , etag] = await figures('/api/products/bear');
    const ask = () =>
      catalog.call('GET', '/api/products/bear', undefined, { 'if-none-match': String(etag) });
    expect(await ask()).toMatchObject({ status: 304, text: '' });
    await buy(1, 1);
    expect((await ask()).status).toBe(200);
  });
});

describe('reads that come in a bundle', () => {
  it('get the same answers as single calls', async () => {
    await catalog.importFile(bears);
    const names = ['products/bear', 'products/train', 'products/none', 'products', 'collections'];
    const paths = [...names, 'collections/none'].map((name) => `/api/${name}`);
    const calls = paths.map((path) => ({ method: 'GET', path, headers: {} }));
    const { text } = await catalog.call('POST', bundlePath, calls);
    const answers = new AnswerReader().read(Buffer.from(text)).sort((a, b) => a.index - b.index);
    const alone = await Promise.all(paths.map((path) => catalog.call('GET', path)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 404, 200, 200, 404]);
    for (const { index, status, headers, body } of answers) {
      expect(alone[index]).toMatchObject({ status, headers, text: body.toString() });
    }
  });
});
