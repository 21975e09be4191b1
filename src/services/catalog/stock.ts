/**
 * Stock under sale: reserve and release, a batch of checkouts in one transaction.
 *
 *   lock the state rows of all products concerned, by id      one flight
 *   read their variants, and what the ledger already says
 *   decide everything in memory (src/shop/reservation-decision.ts)
 *   one update a variant, one ledger row a line, versions,    one flight
 *   outbox; then commit
 *
 * The first answer to a checkout is its only answer: it is in the ledger, and whoever asks again
 * gets it again, also when it was a refusal and also when the stock went back since. A release of a
 * checkout that was never seen leaves a tombstone, so that a late reserve takes nothing.
 *
 * Never: stock below zero; a checkout with some of its lines; a reservation of a checkout that was
 * released before.
 *
 * Rejected: `for update` on the variants too. The product's state row already serialises them, and
 * a second lock costs one WAL record (some 60 bytes) and a page write for each variant and batch.
 */
import type { Database, Sql } from '../../kit/database/postgres.ts';
import { soldTitle } from '../../shop/product.ts';
import {
  decideReservations,
  type Reservation,
  type ReservationRequest,
  type StockItem,
  unitsForSale,
} from '../../shop/reservation-decision.ts';
import {
  addInvalidations,
  type ProductChange,
  raiseListing,
  takeVersion,
} from './invalidation-outbox.ts';
import { findAnswers, type LedgerRow, ledgerRows, writeLedger } from './reservation-ledger.ts';
import { runUntilDone } from './retry-transaction.ts';

export interface ProductState {
  readonly product_id: number;
  readonly units: number;
}

interface VariantRow {
  readonly id: number;
  readonly product_id: number;
  readonly sku: string;
  readonly title: string;
  readonly product_title: string;
  readonly price: number;
  readonly available: number;
  readonly counted: boolean;
}

export interface ReserveResult {
  /** One a request, in the order of the requests. */
  readonly reservations: readonly Reservation[];
  readonly changes: readonly ProductChange[];
}

// Rows are found by `= any(array)`, not by a join: a join may be planned to read a whole index.
const lockSql = `
select product_id, units from product_states where product_id = any(array(
  select product_id from variants where sku = any($1) and not retired))
order by product_id for update`;

const variantsSql = `
select v.id, v.product_id, v.sku, v.title, p.title as product_title, v.price, v.available,
  v.counted
from variants v join products p on p.id = v.product_id
where v.sku = any($1) and not v.retired and p.published`;

/** Decides the whole batch in queue order. Checkout ids are lower-case UUIDs. */
export function reserve(
  database: Database,
  batch: readonly ReservationRequest[],
): Promise<ReserveResult> {
  const skus = new Set<string>();
  for (const { lines } of batch) for (const { sku } of lines) skus.add(sku);
  const wanted = [...skus];
  const checkoutIds = batch.map((request) => request.checkoutId);
  return runUntilDone(database, async (sql) => {
    const [states, version, variants, answers] = await Promise.all([
      sql.query<ProductState>(lockSql, [wanted]),
      takeVersion(sql),
      sql.query<VariantRow>(variantsSql, [wanted]),
      findAnswers(sql, checkoutIds),
    ]);
    return decideAndWrite(sql, batch, { states, version, variants, answers });
  });
}

interface StockReading {
  readonly states: readonly ProductState[];
  readonly version: number;
  readonly variants: readonly VariantRow[];
  readonly answers: ReadonlyMap<string, Reservation>;
}

async function decideAndWrite(
  sql: Sql,
  batch: readonly ReservationRequest[],
  { states, version, variants, answers }: StockReading,
): Promise<ReserveResult> {
  const locked = lockedUnits(states);
  // A product that was published between the two statements is not locked: unknown, this once.
  const known = variants.filter((variant) => locked.has(variant.product_id));
  const bySku = new Map(known.map((variant) => [variant.sku, variant]));
  const stock = new Map(known.map((variant) => [variant.sku, stockItem(variant)]));
  const fresh = answers.size === 0 ? batch : batch.filter((each) => !answers.has(each.checkoutId));
  const { reservations, remainders } = decideReservations(fresh, stock);
  const decided = new Map(answers);
  const ledger: LedgerRow[] = [];
  for (const [index, { checkoutId }] of fresh.entries()) {
    if (decided.has(checkoutId)) continue; // named twice in this batch
    const reservation = reservations[index] as Reservation;
    decided.set(checkoutId, reservation);
    ledgerRows(ledger, checkoutId, reservation, bySku);
  }
  const changed = [...remainders].map(([sku, available]) => {
    const variant = bySku.get(sku) as VariantRow;
    return { ...variant, change: available - variant.available, available, live: true };
  });
  const [changes] = await Promise.all([
    writeStock(sql, changed, locked, version),
    ledger.length === 0 ? null : writeLedger(sql, ledger),
  ]);
  const inOrder = batch.map(({ checkoutId }) => decided.get(checkoutId) as Reservation);
  return { reservations: inOrder, changes };
}

function stockItem(variant: VariantRow): StockItem {
  const { sku, title, product_title, price, available, counted } = variant;
  return { sku, title: soldTitle(product_title, title), unitPrice: price, available, counted };
}

export interface ChangedVariant {
  readonly id: number;
  readonly product_id: number;
  readonly sku: string;
  /** After the change. */
  readonly available: number;
  readonly counted: boolean;
  readonly change: number;
  /** False for a retired variant: its units count for no product any more. */
  readonly live: boolean;
}

const writeVariantsSql = `
update variants v set available = x.available
from unnest($1::int[], $2::int[]) as x(id, available)
where v.id = any($1::int[]) and v.id = x.id`;

const writeStatesSql = `
update product_states s set version = $2, units = x.units,
  listed_version = case when x.flips then $2 else s.listed_version end
from unnest($1::int[], $3::int[], $4::boolean[]) as x(id, units, flips)
where s.product_id = any($1::int[]) and s.product_id = x.id`;

/** Units by product, for `writeStock`. */
export function lockedUnits(states: readonly ProductState[]): ReadonlyMap<number, number> {
  return new Map(states.map(({ product_id, units }) => [product_id, units]));
}

/**
 * Writes new figures of variants whose products are locked, raises versions, writes the outbox. The
 * listing changes only when a product comes into stock or goes out of it.
 */
export async function writeStock(
  sql: Sql,
  variants: readonly ChangedVariant[],
  locked: ReadonlyMap<number, number>,
  version: number,
): Promise<readonly ProductChange[]> {
  if (variants.length === 0) return [];
  const ofProduct = Map.groupBy(variants, (variant) => variant.product_id);
  const flips: boolean[] = [];
  const units: number[] = [];
  const changes = [...ofProduct].map(([productId, own]): ProductChange => {
    const before = locked.get(productId) as number;
    const live = own.filter((variant) => variant.live);
    const after = live.reduce((sum, variant) => sum + variant.change, before);
    units.push(after);
    flips.push(after > 0 !== before > 0);
    const stock = live.map((each) => ({ sku: each.sku, available: unitsForSale(each) }));
    return { productId, version, stock };
  });
  const ids = changes.map((change) => change.productId);
  const variantIds = variants.map((variant) => variant.id);
  const figures = variants.map((variant) => variant.available);
  const [, , , listing] = await Promise.all([
    sql.query(writeVariantsSql, [variantIds, figures]),
    sql.query(writeStatesSql, [ids, version, units, flips]),
    addInvalidations(sql, changes),
    flips.includes(true) ? raiseListing(sql) : null,
  ]);
  return listing === null ? changes : [...changes, listing];
}
