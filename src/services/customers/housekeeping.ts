/** Deletes ended sessions and abandoned carts, in small batches, so that no request has to wait. */

import type { Database } from '../../kit/database/postgres.ts';
import type { Log } from '../../kit/log.ts';

const cartIdleDays = 90;
/** A guest who never came back to a cart after its first day has left it. */
const abandonedCartDays = 7;
/**
 * Whatever comes, guests' carts are dropped that are older than the newest half a million. A cart
 * with one line takes 640 bytes, one with a hundred 7.4 KB (measured): so 0.3 GB as a rule, 3.7 GB
 * at worst, and what came since the last look.
 */
const cartsMax = 500_000;
const intervalMs = 600_000;
const batchRows = 5_000;

const deleteSessionsSql = `
with gone as (
  delete from sessions where id in (
    select id from sessions where expires_at < now() limit ${batchRows} for update skip locked)
  returning 1)
select count(*)::integer as count from gone`;

// The id of a cart begins with the time when it was made: younger ones are not looked at.
const deleteIdleCartsSql = `
with gone as (
  delete from carts where id in (
    select id from carts
    where id < (select uuidv7(-interval '${abandonedCartDays} days'))
      and updated_at < now() - interval '${abandonedCartDays} days'
      and (updated_at < now() - interval '${cartIdleDays} days'
        or (customer_id is null and updated_at < uuid_extract_timestamp(id) + interval '1 day'))
    limit ${batchRows} for update skip locked)
  returning 1)
select count(*)::integer as count from gone`;

const deleteSurplusCartsSql = `
with gone as (
  delete from carts where id in (
    select id from carts
    where customer_id is null
      and id <= (select id from carts order by id desc offset $1 limit 1)
    limit ${batchRows} for update skip locked)
  returning 1)
select count(*)::integer as count from gone`;

async function deleteAll(
  database: Database,
  statement: string,
  values: readonly unknown[] = [],
): Promise<number> {
  for (let total = 0; ; ) {
    const [row] = await database.query<{ count: number }>(statement, values);
    total += row?.count ?? 0;
    if ((row?.count ?? 0) < batchRows) return total;
  }
}

export interface Tidied {
  readonly sessions: number;
  readonly idleCarts: number;
  readonly surplusCarts: number;
}

/** Deletes sessions that have ended, carts that were left, and guests' carts beyond `cartsKept`. */
export async function tidyUp(database: Database, cartsKept = cartsMax): Promise<Tidied> {
  const sessions = await deleteAll(database, deleteSessionsSql);
  const idleCarts = await deleteAll(database, deleteIdleCartsSql);
  const surplusCarts = await deleteAll(database, deleteSurplusCartsSql, [cartsKept]);
  return { sessions, idleCarts, surplusCarts };
}

/** Tidies up every `intervalMs`. Returns the way to stop. */
export function keepTidy(database: Database, log: Log): () => void {
  const timer = setInterval(() => {
    tidyUp(database).then(
      (counts) => log.info(counts, 'tidied up'),
      (error) => log.warn({ err: error }, 'could not tidy up'),
    );
  }, intervalMs).unref();
  return () => clearInterval(timer);
}
