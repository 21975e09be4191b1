import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type CatalogFixture,
  catalogMigrations,
  openCatalog,
} from '../../../test/catalog-fixture.ts';
import { type PostgresFixture, startPostgres } from '../../../test/postgres-fixture.ts';
import { migrate } from '../../kit/database/migrate.ts';
import { listProducts } from './product-list.ts';

let postgres: PostgresFixture;
let catalog: CatalogFixture;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

/** Title and SKU. */
const titles: readonly (readonly [string, string])[] = [
  ['Vitamin B-12', 'VB-12'],
  ['USB 3.2 hub', 'U-3.2'],
  ['Bolt DIN-933', '42-315'],
  ['X-70 drone', 'NOR.0707-60'],
  ['Valve 3/4"', 'V34'],
  ['“Moon” lamp', 'ML'],
  ['Kids’ chair', 'KC'],
  ['«Кот» игрушка', 'KI'],
  ['🎂Cake stand', 'CS'],
  ['日本茶、煎茶', 'NC'],
  ['¡Hola! mug', 'HM'],
  ['Teddy—Bear', 'TB'],
  ['Straße sign', 'SS'],
  ['Łódź map', 'LM'],
  ['T-shirt', 'TS'],
  ['Sony WH-1000XM4 Headphones', 'SONY/1000'],
  ['Tableau Œuvre Ørsted Đà Lạt', 'ART 7'],
];

async function open(entries: readonly (readonly [string, string])[]): Promise<void> {
  await catalog?.close();
  catalog = await openCatalog(postgres);
  const rows = entries.map(([title, sku], index) =>
    [`p${index}`, title, sku, '1'].map((cell) => `"${cell.replaceAll('"', '""')}"`).join(','),
  );
  const answer = await catalog.importFile(['Handle,Title,SKU,Price', ...rows].join('\n'));
  expect(answer.body).toMatchObject({ created: entries.length, errors: [] });
}

async function titlesFor(search: string, path = '/api/products?search='): Promise<string[]> {
  const { status, body, text } = await catalog.call('GET', path + encodeURIComponent(search));
  expect(status, text).toBe(200);
  return body.items.map((item) => item.title);
}

describe('a search', () => {
  beforeAll(() => open(titles));
  afterAll(() => catalog.close());

  it.each(titles)('for %j or its SKU %j finds it first', async (title, sku) => {
    expect((await titlesFor(title))[0]).toBe(title);
    expect((await titlesFor(sku))[0]).toBe(title);
    expect(await titlesFor(sku, '/api/admin/products?search=')).toContain(title);
  });

  it.each([
    ['tshirt', 'T-shirt'],
    ['T SHIRT', 'T-shirt'],
    ['vitamin b12', 'Vitamin B-12'],
    ['WH1000XM4', 'Sony WH-1000XM4 Headphones'],
    ['sony wh 1000 xm4', 'Sony WH-1000XM4 Headphones'],
    ['headphones wh1000xm4', 'Sony WH-1000XM4 Headphones'],
    ['teddybear', 'Teddy—Bear'],
    ['kids chair', 'Kids’ chair'],
    ["kid's chairs", 'Kids’ chair'],
    ['strasse', 'Straße sign'],
    ['lodz', 'Łódź map'],
    ['oeuvre orsted da lat', 'Tableau Œuvre Ørsted Đà Lạt'],
    ['煎茶', '日本茶、煎茶'],
    ['кот', '«Кот» игрушка'],
    ['nor 0707', 'X-70 drone'],
    ['nor.07', 'X-70 drone'],
  ])('for %j finds %j, however it is joined', async (search, title) => {
    expect((await titlesFor(search))[0]).toBe(title);
  });

  it.each([
    ['vitamn', 'Vitamin B-12'],
    ['vitamine b-12', 'Vitamin B-12'],
    ['tedy bear', 'Teddy—Bear'],
    ['hedphones', 'Sony WH-1000XM4 Headphones'],
    ['dorne', 'X-70 drone'],
    ['tshrit', 'T-shirt'],
    ['strase', 'Straße sign'],
  ])('for %j still finds %j', async (search, title) => {
    expect((await titlesFor(search))[0]).toBe(title);
  });

  it('finds a barcode', async () => {
    const file = 'Handle,Title,SKU,Price,Barcode\nball,Ball,BALL,1,400-638-1333931\n';
    expect((await catalog.importFile(file)).body).toMatchObject({ created: 1 });
    expect(await titlesFor('4006381333931')).toEqual(['Ball']);
  });

  it('finds nothing where nothing is like it, or nothing was asked', async () => {
    // more often than PostgreSQL plans anew
    for (let times = 0; times < 8; times += 1)
      expect(await titlesFor('ML')).toEqual(['“Moon” lamp']);
    for (const search of ['zeppelin', '!!', '%', '_', '🎂', "' | !"]) {
      expect(await titlesFor(search)).toEqual([]);
    }
  });
});

describe('a catalog of an earlier version', () => {
  it('is found as one that is imported now', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'doorbuster-migrations-'));
    const files = readdirSync(catalogMigrations).filter((file) => file < '0007');
    for (const file of files) {
      copyFileSync(path.join(catalogMigrations, file), path.join(folder, file));
    }
    const database = await postgres.createDatabase(folder);
    await database.query(`
      insert into products (handle, title, price_min, price_max, search)
      values ('b12', 'Vitamin B-12', 100, 100, '')`);
    await database.query(`
      insert into variants (product_id, sku, price, available, position)
      values (1, 'VB-12', 100, 5, 0)`);
    await database.query('insert into product_states (product_id, units) values (1, 5)');
    await migrate(database, catalogMigrations);
    for (const search of ['vitamin b-12', 'vb-12', 'vitamn']) {
      const request = { search, collection: '', sort: 'match', limit: 24, after: null } as const;
      const { items } = await listProducts(database, request);
      expect(items.map(({ title }) => title)).toEqual(['Vitamin B-12']);
    }
    await database.close();
    rmSync(folder, { recursive: true });
  });
});

describe('every catalog', () => {
  const mark = fc.constantFrom(
    ' ',
    '-',
    '.',
    '/',
    '"',
    '’',
    '—',
    '“',
    '、',
    '%',
    '_',
    '\\',
    '|',
    ':*',
  );
  const piece = fc.oneof(
    fc.constantFrom(
      't',
      'shirt',
      'Bear',
      'the',
      'ß',
      'Ø',
      'ﬁ',
      '½',
      '日',
      'か\u3099',
      '12',
      'x',
      '٣',
    ),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 4 }),
    mark,
  );
  const name = fc
    .array(piece, { minLength: 1, maxLength: 9 })
    .map((pieces) =>
      pieces
        .join('')
        .replace(/\p{Cc}/gu, '')
        .trim(),
    )
    .filter((text) => /[\p{L}\p{Nd}]/u.test(text) && !text.includes('\ufffd'));
  const entries = fc.uniqueArray(fc.tuple(name, name), {
    minLength: 2,
    maxLength: 30,
    selector: ([title]) => title.toLowerCase(),
  });

  it('finds each product first by its title', async () => {
    await fc.assert(
      fc
        .asyncProperty(entries, async (drawn) => {
          const products = drawn.map(([title], index): [string, string] => [title, `S-${index}`]);
          await open(products);
          for (const [title, sku] of products) {
            expect((await titlesFor(title))[0]).toBe(title);
            expect((await titlesFor(sku))[0]).toBe(title);
          }
        })
        .afterEach(() => catalog.close()),
      { numRuns: 15 },
    );
  });
});
