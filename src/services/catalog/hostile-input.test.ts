import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CatalogFixture, openCatalog } from '../../../test/catalog-fixture.ts';
import { type PostgresFixture, startPostgres } from '../../../test/postgres-fixture.ts';

let postgres: PostgresFixture;
let catalog: CatalogFixture;
beforeAll(async () => {
  postgres = await startPostgres();
  catalog = await openCatalog(postgres);
  await catalog.addToy('A', 1_000);
});
afterAll(async () => {
  await catalog.close();
  await postgres.stop();
});

/** Half a surrogate pair, NUL, quotes, keys of prototypes, numbers beyond every range. */
const nasty = fc.constantFrom('\u0000', '\ud800', '\\', "'", '"', '%', '__proto__', '\u202e', '');
const text = fc.oneof(fc.string({ unit: 'binary' }), nasty, fc.string());
const number = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom(1, 0, -1, 2 ** 31, 2 ** 53, 1e300),
);
const value = fc.oneof(text, number, fc.constant(null), fc.array(text, { maxLength: 2 }));
const price = fc.record({
  amount: fc.oneof(fc.nat(), number),
  currency: fc.constantFrom('USD', 'X'),
});
const variant = fc.record(
  {
    sku: fc.oneof(text, value),
    options: fc.dictionary(text, text, { maxKeys: 2 }),
    price: fc.oneof(price, value),
    compareAtPrice: fc.oneof(price, fc.constant(null)),
    available: fc.oneof(fc.nat(9), number),
  },
  { requiredKeys: ['price'] },
);
const product = fc.record(
  {
    handle: text,
    title: fc.oneof(text, fc.constant('Toy')),
    descriptionHtml: text,
    tags: fc.array(text, { maxLength: 3 }),
    collections: fc.array(text, { maxLength: 3 }),
    images: fc.array(fc.record({ url: fc.oneof(text, fc.constant('/media/a.webp')), alt: text })),
    variants: fc.array(variant, { maxLength: 3 }),
  },
  { requiredKeys: ['title', 'variants'] },
);
const checkout = fc.record({
  checkoutId: fc.oneof(fc.uuid(), text),
  lines: fc.array(
    fc.record({ sku: fc.oneof(text, fc.constant('A')), quantity: fc.oneof(fc.nat(3), number) }),
    { maxLength: 3 },
  ),
});

describe('hostile input', () => {
  const requests = fc.oneof(
    product.map((body) => ['POST', '/api/admin/products', body] as const),
    product.map(({ handle: _, ...body }) => ['PATCH', '/api/admin/products/toy-a', body] as const),
    fc
      .array(checkout, { maxLength: 4 })
      .map((batch) => ['POST', '/internal/reserve', { batch }] as const),
    fc.array(text).map((checkoutIds) => ['POST', '/internal/release', { checkoutIds }] as const),
    fc.array(text).map((skus) => ['POST', '/internal/variants', { skus }] as const),
    fc
      .record({ sku: fc.constantFrom('A', 'B'), quantity: number, reason: text })
      .map((body) => ['POST', '/api/admin/restocks', body] as const),
    text.map((each) => ['GET', `/api/products/${encode(each)}`, undefined] as const),
    text.map((each) => ['DELETE', `/api/admin/products/${encode(each)}`, undefined] as const),
    fc
      .tuple(fc.constantFrom('search', 'collection', 'after', 'sort', 'limit'), text)
      .map(([key, each]) => ['GET', `/api/products?${key}=${encode(each)}`, undefined] as const),
    text.map((each) => ['GET', `/internal/reservations?after=${encode(each)}`, undefined] as const),
  );

  it('is refused or understood, and never an error of ours', async () => {
    await fc.assert(
      fc.asyncProperty(requests, async ([method, url, payload]) => {
        const { status, text: said } = await catalog.call(method, url, payload);
        expect(status, said).toBeLessThan(500);
      }),
      { numRuns: 1000 },
    );
    const { body } = await catalog.call('GET', '/internal/integrity');
    expect(body.holds).toBe(true);
  });
});

describe('numbers beyond what a column holds', () => {
  const price = { amount: 100, currency: 'USD' };
  const variants = ['S', 'M', 'L'].map((Size) => {
    return { options: { Size }, price, available: 1_000_000_000 };
  });
  const cursor = (key: number) => Buffer.from(JSON.stringify([key, 1])).toString('base64url');
  const list = '/api/products?search=toy&sort=match&after=';

  it('are a 422 where the units of a product add up to them', async () => {
    const units = 'at most 1000000000 units, all variants together';
    const created = await catalog.call('POST', '/api/admin/products', { title: 'Heap', variants });
    expect(created).toMatchObject({ status: 422, text: expect.stringContaining(units) });
    const changed = await catalog.call('PATCH', '/api/admin/products/toy-a', { variants });
    expect(changed).toMatchObject({ status: 422, text: expect.stringContaining(units) });
    const restock = { sku: 'A', quantity: 1_000_000_000 };
    expect((await catalog.call('POST', '/api/admin/restocks', restock)).status).toBe(422);
    const rows = ['S', 'M', 'L'].map((size) => `heap,Heap,Size,${size},1,1000000000`);
    const header = 'Handle,Title,Option1 Name,Option1 Value,Price,Inventory quantity';
    const file = await catalog.importFile([header, ...rows].join('\n'));
    expect(file.body).toMatchObject({ created: 0, errors: [{ column: 'Inventory quantity' }] });
  });

  it('are a 422 where variants are added without end', async () => {
    const rows = (from: number) =>
      Array.from({ length: 1_300 }, (_, n) => `long,Long,Size,${from + n},1`).join('\n');
    const header = 'Handle,Title,Option1 Name,Option1 Value,Price';
    const first = await catalog.importFile(`${header}\n${rows(0)}`);
    expect(first.body).toMatchObject({ created: 1, errors: [] });
    const more = await catalog.importFile(`${header}\n${rows(2_000)}`);
    expect(more.body).toMatchObject({ updated: 0, errors: [{ row: 2 }] });
  });

  it.each([
    [`${list}${cursor(1e300)}`, 400],
    [`${list}${cursor(1e-300)}`, 400],
    [`${list}${cursor(0.5)}`, 200],
    [`/internal/reservations?after=${'-'.repeat(36)}.1`, 200],
  ])('in %s are a %i', async (url, status) => {
    expect((await catalog.call('GET', url)).status).toBe(status);
  });
});

describe('a file that is a lot of work', () => {
  it('delays no other request', async () => {
    const tangle = '<b></i>'.repeat(70_000);
    const rows = Array.from({ length: 6 }, (_, index) => `knot-${index},Knot,1,${tangle}`);
    let isDone = false;
    const importing = catalog
      .importFile(['Handle,Title,Price,Body (HTML)', ...rows].join('\n'))
      .finally(() => {
        isDone = true;
      });
    let answered = 0;
    while (!isDone) {
      expect((await catalog.call('GET', '/api/products/toy-a')).status).toBe(200);
      answered += 1;
    }
    expect((await importing).body).toMatchObject({ created: 6, errors: [] });
    expect(answered).toBeGreaterThan(10);
  });

  it('is a description too: it is cleaned elsewhere, or refused for its length', async () => {
    const price = { amount: 100, currency: 'USD' };
    const create = (title: string, descriptionHtml: string) =>
      catalog.call('POST', '/api/admin/products', {
        title,
        descriptionHtml,
        variants: [{ price }],
      });
    const deep = await create('Deep', `${'<div>'.repeat(50_000)}found`);
    expect(deep).toMatchObject({ status: 201, text: expect.stringContaining('found') });
    const long = await create('Many marks', '<'.repeat(400_000));
    expect(long.status).toBe(422);
    expect(long.body.errors).toMatchObject([{ path: 'body/descriptionHtml' }]);
  });
});

function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
