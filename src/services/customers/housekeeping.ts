/** What nobody needs any more goes, in small pieces, so that it disturbs nobody. */

import type { Database } from '../../kit/database/postgres.ts';
import type { Log } from '../../kit/log.ts';

const cartIdleDays = 90;
const intervalMs = 3_600_000;
const batchRows = 5_000;

const deleteSessionsSql = `
with gone as (
  delete from sessions where id in (
    select id from sessions where expires_at < now() limit ${batchRows} for update skip locked)
  returning 1)
select count(*)::integer as count from gone`;

const deleteCartsSql = `
with gone as (
  delete from carts where id in (
    select id from carts where updated_at < now() - interval '${cartIdleDays} days'
    limit ${batchRows} for update skip locked)
  returning 1)
select count(*)::integer as count from gone`;

async function deleteAll(database: Database, statement: string): Promise<number> {
  for (let total = 0; ; ) {
    const [row] = await database.query<{ count: number }>(statement);
    total += row?.count ?? 0;
    if ((row?.count ?? 0) < batchRows) return total;
  }
}

/** Deletes sessions that have ended and carts that were not touched for `cartIdleDays`. */
export async function tidyUp(database: Database): Promise<{ sessions: number; carts: number }> {
  const sessions = await deleteAll(database, deleteSessionsSql);
  return { sessions, carts: await deleteAll(database, deleteCartsSql) };
}

/** Tidies up once an hour. Returns the way to stop. */
export function keepTidy(database: Database, log: Log): () => void {
  const timer = setInterval(() => {
    tidyUp(database).then(
      (counts) => log.info(counts, 'tidied up'),
      (error) => log.warn({ err: error }, 'could not tidy up'),
    );
  }, intervalMs).unref();
  return () => clearInterval(timer);
}
