/**
 * The ledger of first answers: one row a line of a checkout, or one row that says why it got none.
 * See migration 0002 for the states and what `quantity` and `sku` mean in each.
 */
import type { Sql } from '../../kit/database/postgres.ts';
import type { SoldLine } from '../../shop/checkout.ts';
import { priceOf } from '../../shop/pricing.ts';
import { soldTitle } from '../../shop/product.ts';
import type { Reservation } from '../../shop/reservation-decision.ts';

export const ledgerState = {
  reserved: 1,
  released: 2,
  soldOut: 3,
  unknownSku: 4,
  tombstone: 5,
} as const;

export interface LedgerRow {
  readonly checkoutId: string;
  readonly line: number;
  readonly variantId: number;
  readonly quantity: number;
  readonly unitPrice: number;
  readonly state: number;
  readonly sku: string | null;
  /** True or null, as in the table. */
  readonly uncounted: true | null;
}

interface LedgerVariant {
  readonly id: number;
  readonly counted: boolean;
}

/** Appends the rows of one answer. `variants` are those that exist, by SKU. */
export function ledgerRows(
  rows: LedgerRow[],
  checkoutId: string,
  reservation: Reservation,
  variants: ReadonlyMap<string, LedgerVariant>,
): void {
  const none = { variantId: 0, quantity: 0, unitPrice: 0, sku: null, uncounted: null };
  const blank = { ...none, checkoutId, line: 0 };
  if (reservation.kind === 'reserved') {
    for (const [line, { sku, quantity, unitPrice }] of reservation.lines.entries()) {
      const { id: variantId, counted } = variants.get(sku) as LedgerVariant;
      const uncounted = counted ? null : true;
      const state = ledgerState.reserved;
      rows.push({ ...blank, line, variantId, quantity, unitPrice, state, uncounted });
    }
  } else if (reservation.reason === 'sold-out') {
    const { sku, available: quantity } = reservation;
    const { id: variantId } = variants.get(sku) as LedgerVariant;
    rows.push({ ...blank, variantId, quantity, state: ledgerState.soldOut });
  } else if (reservation.reason === 'unknown-sku') {
    rows.push({ ...blank, sku: reservation.sku, state: ledgerState.unknownSku });
  }
}

const insertSql = `
insert into reservations (checkout_id, variant_id, quantity, unit_price, line, state, sku,
  uncounted)
select * from unnest($1::uuid[], $2::int[], $3::int[], $4::int[], $5::smallint[], $6::smallint[],
  $7::text[], $8::boolean[])`;

/** In the order of ids, so that two writers of the same checkouts wait, and never deadlock. */
export async function writeLedger(sql: Sql, rows: LedgerRow[]): Promise<void> {
  rows.sort((a, b) => compareIds(a.checkoutId, b.checkoutId) || a.line - b.line);
  await sql.query(insertSql, [
    rows.map((row) => row.checkoutId),
    rows.map((row) => row.variantId),
    rows.map((row) => row.quantity),
    rows.map((row) => row.unitPrice),
    rows.map((row) => row.line),
    rows.map((row) => row.state),
    rows.map((row) => row.sku),
    rows.map((row) => row.uncounted),
  ]);
}

export function compareIds(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

interface AnswerRow {
  readonly checkout_id: string;
  readonly state: number;
  readonly quantity: number;
  readonly unit_price: number;
  readonly sku: string;
  readonly title: string;
  readonly product_title: string;
}

const answersSql = `
select r.checkout_id, r.state, r.quantity, r.unit_price, coalesce(r.sku, v.sku, '') as sku,
  v.title, p.title as product_title
from reservations r left join variants v on v.id = r.variant_id
left join products p on p.id = v.product_id
where r.checkout_id = any($1::uuid[]) order by r.checkout_id, r.line`;

/** First answers to those checkouts that have one. Titles are today's, all else is as then. */
export async function findAnswers(
  sql: Sql,
  checkoutIds: readonly string[],
): Promise<ReadonlyMap<string, Reservation>> {
  const rows = await sql.query<AnswerRow>(answersSql, [checkoutIds]);
  const answers = new Map<string, Reservation>();
  for (const [checkoutId, lines] of Map.groupBy(rows, (row) => row.checkout_id)) {
    answers.set(checkoutId, answerOf(lines as [AnswerRow, ...AnswerRow[]]));
  }
  return answers;
}

function answerOf(rows: readonly [AnswerRow, ...AnswerRow[]]): Reservation {
  const [{ state, sku, quantity }] = rows;
  if (state === ledgerState.tombstone) return { kind: 'refused', reason: 'released' };
  if (state === ledgerState.unknownSku) return { kind: 'refused', reason: 'unknown-sku', sku };
  if (state === ledgerState.soldOut) {
    return { kind: 'refused', reason: 'sold-out', sku, available: quantity };
  }
  const lines = rows.map((row): SoldLine => {
    const title = soldTitle(row.product_title, row.title);
    return { sku: row.sku, title, quantity: row.quantity, unitPrice: row.unit_price };
  });
  return { kind: 'reserved', lines, total: priceOf(lines).total };
}
