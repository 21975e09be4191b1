/** Stock that goes back: a payment was declined, an order cancelled, a checkout given up. */
import type { Database, Sql } from '../../kit/database/postgres.ts';
import { type ProductChange, takeVersion } from './invalidation-outbox.ts';
import { compareIds, ledgerState } from './reservation-ledger.ts';
import { RunAgain, runUntilDone } from './retry-transaction.ts';
import { type ChangedVariant, lockedUnits, type ProductState, writeStock } from './stock.ts';

const lockSql = `
select product_id, units from product_states where product_id in
  (select v.product_id from reservations r join variants v on v.id = r.variant_id
   where r.checkout_id = any($1::uuid[]) and r.state = ${ledgerState.reserved})
order by product_id for update`;

interface SeenRow {
  readonly checkout_id: string;
  readonly state: number;
  readonly quantity: number;
  readonly id: number;
  readonly product_id: number;
  readonly sku: string;
  readonly available: number;
  readonly counted: boolean;
  /** True: took no units, so it gives none back. */
  readonly uncounted: true | null;
  readonly live: boolean;
}

const seenSql = `
select r.checkout_id, r.state, r.quantity, v.id, v.product_id, v.sku, v.available,
  v.counted, r.uncounted, not v.retired as live
from reservations r left join variants v on v.id = r.variant_id
where r.checkout_id = any($1::uuid[])`;

const releaseSql = `
update reservations set state = ${ledgerState.released}
where checkout_id = any($1::uuid[]) and state = ${ledgerState.reserved} returning 1`;

const tombstonesSql = `
insert into reservations (checkout_id, variant_id, quantity, unit_price, line, state)
select id, 0, 0, 0, 0, ${ledgerState.tombstone} from unnest($1::uuid[]) as x(id)
on conflict do nothing returning 1`;

/**
 * Gives back all that the checkouts hold, once, however often it is asked. Checkout ids are
 * lower-case UUIDs.
 */
export function release(
  database: Database,
  checkoutIds: readonly string[],
): Promise<readonly ProductChange[]> {
  const ids = [...new Set(checkoutIds)].sort(compareIds);
  return runUntilDone(database, async (sql) => {
    const [states, version, seen] = await Promise.all([
      sql.query<ProductState>(lockSql, [ids]),
      takeVersion(sql),
      sql.query<SeenRow>(seenSql, [ids]),
    ]);
    const locked = lockedUnits(states);
    const held = seen.filter((row) => row.state === ledgerState.reserved);
    if (held.some((row) => !locked.has(row.product_id))) throw new RunAgain('reserved meanwhile');
    return giveBack(sql, ids, seen, held, (changed) => writeStock(sql, changed, locked, version));
  });
}

async function giveBack(
  sql: Sql,
  ids: readonly string[],
  seen: readonly SeenRow[],
  held: readonly SeenRow[],
  write: (changed: readonly ChangedVariant[]) => Promise<readonly ProductChange[]>,
): Promise<readonly ProductChange[]> {
  const took = held.filter((row) => row.uncounted === null);
  const changed = [...Map.groupBy(took, (row) => row.id).values()].map((rows): ChangedVariant => {
    const variant = rows[0] as SeenRow;
    const change = rows.reduce((sum, row) => sum + row.quantity, 0);
    return { ...variant, change, available: variant.available + change };
  });
  const seenIds = new Set(seen.map((row) => row.checkout_id));
  const unseen = ids.filter((id) => !seenIds.has(id));
  const [released, tombstones, changes] = await Promise.all([
    held.length === 0 ? [] : sql.query(releaseSql, [ids]),
    unseen.length === 0 ? [] : sql.query(tombstonesSql, [unseen]),
    write(changed),
  ]);
  // A checkout was answered between our reading and our writing: look again.
  if (tombstones.length < unseen.length) throw new RunAgain('answered meanwhile');
  if (released.length !== held.length) throw new RunAgain('released meanwhile');
  return changes;
}
