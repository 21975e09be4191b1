/**
 * Lists of products: by collection, by search, in five orders, paged by key. Every page is one
 * statement, so that its rows and the version of the listing belong to one moment.
 *
 * A cursor is the sort key of the last row, so a page costs the same at any depth and nothing is
 * skipped or shown twice when products come and go meanwhile.
 */
import type { Sql } from '../../kit/database/postgres.ts';
import { money } from '../../shop/money.ts';
import { type Image, type ProductSummary, shopCurrency } from '../../shop/product.ts';

export type Sort = 'title' | 'price' | '-price' | 'newest' | 'match';

export interface ListRequest {
  readonly search: string;
  /** A handle; empty for all. */
  readonly collection: string;
  readonly sort: Sort;
  readonly limit: number;
  readonly after: string | null;
}

export interface ProductPage {
  readonly items: readonly ProductSummary[];
  readonly next: string | null;
  readonly listingVersion: number;
}

interface SummaryRow {
  readonly id: number;
  readonly handle: string;
  readonly title: string;
  readonly vendor: string;
  readonly type: string;
  readonly tags: readonly string[];
  readonly image: Image | null;
  readonly price_min: number;
  readonly price_max: number;
  readonly compare_at: number | null;
  readonly in_stock: boolean;
  readonly listed_version: number;
  readonly key: string | number;
}

/** Matches that are sorted, so that the cost of a page is bounded however common a word is. */
const matchesMax = 2_000;
/** Those that are named just so are among them in any case. */
const namedMax = 100;

type KeyType = 'text' | 'int' | 'real';

/** The first key of each order, its SQL type, and the direction of both keys. */
const orders: Readonly<Record<Sort, { key: string; type: KeyType; direction: 'asc' | 'desc' }>> = {
  title: { key: 'p.sort_title', type: 'text', direction: 'asc' },
  price: { key: 'p.price_min', type: 'int', direction: 'asc' },
  '-price': { key: 'p.price_min', type: 'int', direction: 'desc' },
  newest: { key: 'p.id', type: 'int', direction: 'desc' },
  match: {
    // What is typed as it is written comes first; then what differs in blanks and marks only.
    key: `(case when p.sort_title = lower($1) then 3
      when p.id = (select product_id from variants where sku = $1 and not retired) then 3
      when p.names like '|' || search_compact($1) || '|%' then 2
      when p.names like '%|' || search_compact($1) || '|%' then 1 else 0 end
      + ts_rank(p.search, search_query($1)))::real`,
    type: 'real',
    direction: 'desc',
  },
};

const matchingProducts = `(select * from products where id = any(array(
    (select id from products where published and deleted_at is null
      and names like '%|' || nullif(search_compact($1), '') || '|%' limit ${namedMax})
    union
    (select id from products where published and deleted_at is null
      and (search @@ search_query($1) or names like search_pattern($1)) limit ${matchesMax}))))`;

/** The variants are looked at only where no unit is left. */
const inStock = `(s.units > 0 or exists (
    select from variants v where v.product_id = p.id and not v.retired and not v.counted))`;

function listSql(request: ListRequest, values: unknown[]): string {
  const { key, type, direction } = orders[request.sort];
  const bind = (value: unknown): string => `$${values.push(value)}`;
  const clauses = ['p.published', "p.status <> 'unlisted'", 'p.deleted_at is null'];
  if (request.search !== '') values.push(request.search);
  const products = request.search === '' ? 'products' : matchingProducts;
  let from = `${products} p join product_states s on s.product_id = p.id`;
  if (request.collection !== '') {
    from += ` join collection_products m on m.product_id = p.id
      and m.collection_id = (
        select id from collections where handle = ${bind(request.collection)})`;
  }
  if (request.after !== null) {
    const [lastKey, lastId] = decodeCursor(request.after, type);
    const compare = direction === 'asc' ? '>' : '<';
    clauses.push(`(${key}, p.id) ${compare} (${bind(lastKey)}::${type}, ${bind(lastId)}::int)`);
  }
  return `
select (select version from listing_state) as listing_version, coalesce((
  select json_agg(page) from (
  select p.id, p.handle, p.title, p.vendor, p.type, p.tags, p.images -> 0 as image, p.price_min,
    p.price_max, p.compare_at, ${inStock} as in_stock, s.listed_version, ${key} as key
  from ${from} where ${clauses.join(' and ')}
  order by ${key} ${direction}, p.id ${direction} limit ${bind(request.limit + 1)}
) page), '[]') as items`;
}

const correctedSql = 'select search_corrected($1) as words';

/**
 * Throws `BadCursor`. A search without a single letter or digit finds nothing; one that finds
 * nothing is asked again with its unknown words as they may have been meant.
 */
export async function listProducts(sql: Sql, request: ListRequest): Promise<ProductPage> {
  const page = await readPage(sql, request);
  if (page.items.length > 0 || request.search === '') return page;
  const [corrected] = await sql.query<{ words: string | null }>(correctedSql, [request.search]);
  const search = corrected?.words ?? '';
  return search === '' ? page : readPage(sql, { ...request, search });
}

async function readPage(sql: Sql, request: ListRequest): Promise<ProductPage> {
  const values: unknown[] = [];
  const text = listSql(request, values);
  const [row] = await sql.query<{ listing_version: number; items: SummaryRow[] }>(text, values);
  if (row === undefined) throw new Error('the listing has no version');
  const shown = row.items.slice(0, request.limit);
  const last = row.items.length > request.limit ? shown.at(-1) : undefined;
  return {
    items: shown.map(summaryOf),
    next: last === undefined ? null : encodeCursor(last.key, last.id),
    listingVersion: row.listing_version,
  };
}

function summaryOf(row: SummaryRow): ProductSummary {
  return {
    id: String(row.id),
    handle: row.handle,
    title: row.title,
    vendor: row.vendor,
    type: row.type,
    tags: row.tags,
    image: row.image,
    price: money(row.price_min, shopCurrency),
    priceMax: money(row.price_max, shopCurrency),
    compareAtPrice: row.compare_at === null ? null : money(row.compare_at, shopCurrency),
    inStock: row.in_stock,
    version: row.listed_version,
  };
}

export class BadCursor extends Error {
  override readonly name = 'BadCursor';
}

function encodeCursor(key: string | number, id: number): string {
  return Buffer.from(JSON.stringify([key, id])).toString('base64url');
}

function decodeCursor(cursor: string, type: KeyType): [string | number, number] {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(value) && value.length === 2) {
      const [key, id] = value;
      if (isKeyOf[type](key) && isInteger(id)) return [key, id];
    }
  } catch {
    // not one of ours
  }
  throw new BadCursor('after is not a cursor of this list');
}

const isKeyOf: Readonly<Record<KeyType, (key: unknown) => boolean>> = {
  text: (key) => typeof key === 'string' && !key.includes('\u0000'),
  int: isInteger,
  // What PostgreSQL's real can hold: neither too large nor so small that it would be zero.
  real: (key) =>
    typeof key === 'number' &&
    Number.isFinite(Math.fround(key)) &&
    (key === 0 || Math.fround(key) !== 0),
};

function isInteger(value: unknown): boolean {
  return typeof value === 'number' && (value | 0) === value;
}

const listingVersionSql = 'select version from listing_state';

const collectionsSql = `
select c.id::text, c.handle, c.title, count(*) as "productCount",
  (select version from listing_state) as version
from collections c join collection_products m on m.collection_id = c.id
join products p on p.id = m.product_id and p.published and p.status <> 'unlisted'
  and p.deleted_at is null
group by c.id order by lower(c.title), c.id`;

export interface CollectionRow {
  readonly id: string;
  readonly handle: string;
  readonly title: string;
  readonly productCount: number;
}

/** Collections that have something to show. */
export async function listCollections(
  sql: Sql,
): Promise<{ collections: readonly CollectionRow[]; listingVersion: number }> {
  // Read first: a version older than the rows is safe, a newer one would hide a change.
  const [before] = await sql.query<{ version: number }>(listingVersionSql);
  const rows = await sql.query<CollectionRow & { version: number }>(collectionsSql);
  const listingVersion = rows[0]?.version ?? before?.version ?? 0;
  return { collections: rows.map(({ version: _, ...row }) => row), listingVersion };
}
