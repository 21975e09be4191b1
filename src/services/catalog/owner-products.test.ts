import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CatalogFixture, openCatalog } from '../../../test/catalog-fixture.ts';
import { type PostgresFixture, startPostgres } from '../../../test/postgres-fixture.ts';

let postgres: PostgresFixture;
let catalog: CatalogFixture;
beforeAll(async () => {
  postgres = await startPostgres();
  catalog = await openCatalog(postgres);
});
afterAll(async () => {
  await catalog.close();
  await postgres.stop();
});

const usd = (amount: number) => ({ amount, currency: 'USD' });
const add = (body: object) => catalog.call('POST', '/api/admin/products', body);
const change = (handle: string, body: object) =>
  catalog.call('PATCH', `/api/admin/products/${handle}`, body);
const read = async (handle: string) =>
  (await catalog.call('GET', `/api/admin/products/${handle}`)).body;
const exported = async () => (await catalog.call('GET', '/api/admin/products/export')).text;

const lamp = {
  handle: 'lamp',
  title: 'Lamp',
  status: 'unlisted',
  seoTitle: 'A lamp',
  seoDescription: 'It shines.',
  variants: [
    {
      sku: 'LAMP',
      price: usd(5_000),
      available: 3,
      cost: usd(2_000),
      barcode: '4017072512345',
      grams: 453.59,
      weightUnit: 'lb',
      imageUrl: '/media/lamp.svg',
    },
  ],
};

describe("a product's fields", () => {
  it('are kept through admin, file and shop; only staff sees the cost', async () => {
    expect((await add(lamp)).body).toMatchObject(lamp);
    const before = await read('lamp');
    const file = await exported();
    const cleared = { seoTitle: '', status: 'active', variants: [{ sku: 'LAMP', cost: null }] };
    await change('lamp', { ...cleared, seoDescription: 'It shone.' });
    expect(await read('lamp')).toMatchObject({ ...cleared, seoDescription: 'It shone.' });
    expect((await catalog.importFile(file)).body).toMatchObject({ errors: [], warnings: [] });
    const { version: _, ...fields } = before as unknown as Record<string, unknown>;
    expect(await read('lamp')).toMatchObject(fields);
    const { text, body } = await catalog.call('GET', '/api/products/lamp');
    expect(text).not.toMatch(/cost|2000/);
    const [{ cost: _cost, ...shown }] = lamp.variants as [(typeof lamp.variants)[0]];
    expect(body).toMatchObject({ seoTitle: 'A lamp', variants: [shown] });
  });

  it('stay as they are when a change does not name them', async () => {
    await add({ ...lamp, handle: 'torch', variants: [{ ...lamp.variants[0], sku: 'TORCH' }] });
    const before = await read('torch');
    await change('torch', { variants: [{ sku: 'TORCH', price: usd(4_000) }] });
    const [variant] = before.variants;
    expect(await read('torch')).toMatchObject({
      seoTitle: 'A lamp',
      status: 'unlisted',
      variants: [{ ...variant, price: usd(4_000) }],
    });
  });

  const texts: [string, string, string | undefined][] = [
    ['title', 'A\nB\tC', 'A B C'],
    ['title', ' \u200bMug\u202e ', 'Mug'],
    ['title', 'Caf\ufffd', undefined],
    ['title', 'x'.repeat(256), undefined],
    ['vendor', ' Tom\u2028Jerry ', 'Tom Jerry'],
    ['seoTitle', 'a\r\nb', 'a b'],
    ['picture', '//cdn.example/a.jpg', 'https://cdn.example/a.jpg'],
    ['picture', 'http://cdn.example/a.jpg', 'https://cdn.example/a.jpg'],
    ['picture', 'https://cdn.example/a b é.jpg', 'https://cdn.example/a%20b%20%C3%A9.jpg'],
    ['picture', '/media/a b.jpg', '/media/a%20b.jpg'],
    ['picture', 'javascript:alert(1)', undefined],
    ['picture', '/etc/passwd', undefined],
    ['picture', 'a.jpg', undefined],
    ['tags', 'a,\tb', 'a|b'],
    ['barcode', '978-3', '978-3'],
  ];
  it.each(texts)('have one rule for file and admin: %s %j', async (field, text, wanted) => {
    await add({ handle: 'rule', title: 'Rule', variants: [{ sku: 'RULE', price: usd(1) }] });
    const columns: Record<string, string> = {
      ...{ title: 'Title', vendor: 'Vendor', seoTitle: 'SEO Title', picture: 'Image Src' },
      ...{ tags: 'Tags', barcode: 'Variant Barcode' },
    };
    const bodies: Record<string, object> = {
      picture: { images: [{ url: text }] },
      tags: { tags: text.split(',') },
      barcode: { variants: [{ sku: 'RULE', barcode: text }] },
    };
    const shown = async () => {
      const { images, tags, variants, ...rest } = (await read('rule')) as unknown as {
        images: { url: string }[];
        tags: string[];
        variants: { barcode: string }[];
      } & Record<string, unknown>;
      if (field === 'picture') return images[0]?.url;
      if (field === 'tags') return tags.join('|');
      return field === 'barcode' ? variants[0]?.barcode : rest[field];
    };
    const cell = `"${text}"`;
    const { body } = await catalog.importFile(`Handle,${columns[field]}\nrule,${cell}\n`);
    expect(body.errors.length > 0).toBe(wanted === undefined);
    if (wanted !== undefined) expect(await shown()).toBe(wanted);
    const answer = await change('rule', bodies[field] ?? { [field]: text });
    expect(answer.status).toBe(wanted === undefined ? 422 : 200);
    if (wanted !== undefined) expect(await shown()).toBe(wanted);
  });

  it('name what is wrong by where it stands in the request', async () => {
    const variants = [
      { sku: 'T', price: usd(1), options: { Size: 'S' } },
      { sku: 'T', price: { amount: 1, currency: 'EUR' }, options: { Size: 'S' } },
      { sku: 'V', options: {} },
    ];
    const { status, body } = await add({ title: 'Twins', images: [{ url: 'x' }], variants });
    expect(status).toBe(422);
    expect(body.errors).toMatchObject([
      { path: 'body/images/0/url' },
      { path: 'body/variants/1/price', message: 'must be in USD' },
    ]);
    const again = await add({ title: 'Twins', variants: [variants[0], variants[0], variants[2]] });
    expect((again.body.errors as unknown as { path: string }[]).map(({ path }) => path)).toEqual([
      'body/variants/1/options',
      'body/variants/1/sku',
      'body/variants/2/options',
      'body/variants/2/price',
    ]);
  });

  it('never publish a gift card', async () => {
    const variants = [{ sku: 'GIFT', price: usd(1_000) }];
    const { body } = await add({ handle: 'gift', title: 'Gift', giftCard: true, variants });
    expect(body).toMatchObject({ giftCard: true, published: false });
    expect((await change('gift', { published: true })).status).toBe(422);
    expect((await catalog.call('GET', '/api/products/gift')).status).toBe(404);
  });
});

describe('a product file', () => {
  it('of the demo is read without a word', async () => {
    const demo = readFileSync(path.resolve(import.meta.dirname, '../../../demo/products.csv'));
    const { body } = await catalog.importFile(demo);
    expect(body).toMatchObject({ created: 107, errors: [], warnings: [] });
    const { body: bear } = await catalog.call('GET', '/api/products/teddy-bear');
    expect(bear.variants[0]).toMatchObject({ sku: 'BEAR-S', available: 100, counted: true });
  });

  it('comes back as it was whatever its texts begin with', async () => {
    const start = fc.constantFrom('=', '+', '-', '@', "'", "'=", "''-", '＝', '"', 'a');
    const text = fc
      .tuple(start, fc.stringMatching(/^[a-z=+,'";]{1,8}$/))
      .map((all) => all.join(''));
    await fc.assert(
      fc.asyncProperty(text, text, text, async (title, vendor, sku) => {
        const variants = [{ sku, price: usd(1) }];
        await add({ handle: 'formula', title, vendor, seoTitle: title, variants });
        const file = await exported();
        const before = await read('formula');
        const cells: string[][] = parse(file);
        expect(cells.flat().filter((cell) => /^[=+\-@＝]/.test(cell))).toEqual([]);
        expect((await catalog.importFile(file)).body).toMatchObject({ errors: [] });
        const { title: t, vendor: v } = (await read('formula')) as unknown as typeof lamp & {
          vendor: string;
        };
        expect([t, v]).toEqual([title, vendor]);
        expect((await read('formula')).variants).toEqual(before.variants);
        await catalog.call('DELETE', '/api/admin/products/formula');
      }),
      { numRuns: 15 },
    );
  });
});
