/**
 * The outbox of changes: what caches at the front must forget, and the new stock figures. Rows are
 * written by the transaction that made the change, under the lock of the product they speak of.
 *
 * Locks are always taken in one order: product states by id, then ledger rows by checkout, then the
 * listing. The listing's row is therefore touched last, and held for the length of a commit only.
 */
import type { Sql } from '../../kit/database/postgres.ts';

export interface StockChange {
  readonly sku: string;
  readonly available: number;
}

export interface ProductChange {
  readonly productId: number;
  readonly version: number;
  readonly stock: readonly StockChange[];
}

/** The pseudo-product whose version is the listing's. */
export const listingId = 0;

export function invalidationKey(productId: number): string {
  return productId === listingId ? 'listing' : `product-${productId}`;
}

const versionSql = "select nextval('product_versions') as version";

/**
 * The version for all that a transaction changes. To be taken under the locks of the products: then
 * versions grow in commit order for each product, and for each SKU whatever product it belongs to.
 */
export async function takeVersion(sql: Sql): Promise<number> {
  const [row] = await sql.query<{ version: number }>(versionSql);
  if (row === undefined) throw new Error('there is no next version');
  return row.version;
}

const insertSql = `
insert into invalidations (product_id, version, sku, available)
select * from unnest($1::int[], $2::bigint[], $3::text[], $4::int[])`;

export async function addInvalidations(sql: Sql, changes: readonly ProductChange[]): Promise<void> {
  const ids: number[] = [];
  const versions: number[] = [];
  const skus: (string | null)[] = [];
  const figures: (number | null)[] = [];
  for (const { productId, version, stock } of changes) {
    const rows = stock.length === 0 ? [{ sku: null, available: null }] : stock;
    for (const { sku, available } of rows) {
      ids.push(productId);
      versions.push(version);
      skus.push(sku);
      figures.push(available);
    }
  }
  await sql.query(insertSql, [ids, versions, skus, figures]);
}

const raiseListingSql = `
with raised as (update listing_state set version = version + 1 returning version)
insert into invalidations (product_id, version) select ${listingId}, version from raised
returning version`;

/** To be the last statement of a transaction. */
export async function raiseListing(sql: Sql): Promise<ProductChange> {
  const [row] = await sql.query<{ version: number }>(raiseListingSql);
  if (row === undefined) throw new Error('the listing has no version');
  return { productId: listingId, version: row.version, stock: [] };
}

/** Behind a row of the outbox. Transaction ids have 64 bits: as text. */
export interface OutboxPlace {
  readonly xid: string;
  readonly id: number;
}

export interface OutboxRow extends OutboxPlace {
  readonly product_id: number;
  readonly version: number;
  readonly sku: string | null;
  readonly available: number | null;
}

const pageSql = `
select pg_snapshot_xmin(pg_current_snapshot())::text as xmin, i.* from (values (1)) as one
left join lateral (
  select xid::text, id, product_id, version, sku, available from invalidations
  where (xid, id) > ($1::xid8, $2::bigint) order by xid, id limit $3
) as i on true`;

export interface OutboxPage {
  /** Every transaction below it has ended, and what it wrote is visible. */
  readonly xmin: string;
  readonly rows: readonly OutboxRow[];
}

/**
 * Committed rows behind a place, also those above the horizon: some before them may still be
 * invisible, so a reader's place must not move past the horizon.
 */
export async function readInvalidations(
  sql: Sql,
  place: OutboxPlace,
  limit: number,
): Promise<OutboxPage> {
  const values = [place.xid, place.id, limit];
  const rows = await sql.query<OutboxRow & { xmin: string; id: number | null }>(pageSql, values);
  const [first] = rows;
  if (first === undefined) throw new Error('the outbox has no horizon');
  return { xmin: first.xmin, rows: rows.filter((row) => row.id !== null) };
}

const horizonSql = 'select pg_snapshot_xmin(pg_current_snapshot())::text as xmin';

/** The transaction below which every other has ended. */
export async function readHorizon(sql: Sql): Promise<string> {
  const [row] = await sql.query<{ xmin: string }>(horizonSql);
  if (row === undefined) throw new Error('the outbox has no horizon');
  return row.xmin;
}

const trimSql = `
with old as (
  select xid, id from (select xid, id, at from invalidations order by xid, id limit $2) as oldest
  where at < now() - make_interval(secs => $1)
)
delete from invalidations using old
where invalidations.xid = old.xid and invalidations.id = old.id returning 1`;

/** Forgets rows older than `retentionSeconds`, at most `rowsMax`. Returns how many. */
export async function trimInvalidations(
  sql: Sql,
  retentionSeconds: number,
  rowsMax: number,
): Promise<number> {
  return (await sql.query(trimSql, [retentionSeconds, rowsMax])).length;
}
