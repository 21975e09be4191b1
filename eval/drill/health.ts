/** Is the shop whole again, and idle? Read from its parts, not from the supervisor's report. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startTimeOf } from '../../src/services/supervisor/process-table.ts';
import type { DrilledShop } from './drilled-shop.ts';
import { asSuperuser } from './superuser.ts';

const roles = ['orders', 'catalog', 'customers', 'worker', 'storefront', 'gateway'];
const lookMs = 100;

const streamingSql = `
select count(*) as streaming from pg_stat_replication
where state = 'streaming' and sync_state in ('quorum', 'sync')`;

/** What is not well, in words; nothing when the whole cluster is as it should be. */
export async function complaints(shop: DrilledShop): Promise<string[]> {
  const { database, services } = shop.cluster;
  const found: string[] = [];
  if (shop.supervisor === null) found.push('no supervisor lives');
  for (const role of roles) {
    const ready = services.filter((each) => each.role === role && each.state === 'ready');
    if (!ready.some(({ pid }) => startTimeOf(pid) !== null)) found.push(`no ${role} is ready`);
  }
  if (database.followers.length < 2) found.push(`${database.followers.length} followers published`);
  if (database.leader === null) return [...found, 'no database leads'];
  try {
    const [row] = await asSuperuser(database.leader, 'postgres', shop.superuser, (superuser) =>
      superuser.query<{ streaming: number }>(streamingSql),
    );
    if (row?.streaming !== 2) found.push(`${row?.streaming} followers stream and vote`);
  } catch (error) {
    found.push(`${database.leader.id} cannot be asked: ${(error as Error).message}`);
  }
  return found;
}

/** Resolves to the time of day (ms) when all was well. Throws what was not, after `msMax`. */
export async function untilHealthy(shop: DrilledShop, msMax: number): Promise<number> {
  const until = performance.now() + msMax;
  for (;;) {
    const found = await complaints(shop);
    if (found.length === 0) return Date.now();
    if (performance.now() > until) {
      throw new Error(`not whole again after ${msMax / 1_000} s: ${found.join('; ')}`);
    }
    await sleep(lookMs);
  }
}

const restSql = `
select (select count(*) from queue) as queued, (select count(*) from follow_ups) as followups`;

/** Resolves when nothing waits for a decision or to be carried out. Throws after `msMax`. */
export async function untilAtRest(shop: DrilledShop, msMax: number): Promise<void> {
  const until = performance.now() + msMax;
  let last = 'nobody could be asked';
  for (;;) {
    const { leader } = shop.cluster.database;
    if (leader !== null) {
      try {
        const [row] = await asSuperuser(leader, 'orders', shop.superuser, (superuser) =>
          superuser.query<{ queued: number; followups: number }>(restSql),
        );
        if (row?.queued === 0 && row.followups === 0) return;
        last = `${row?.queued} queued, ${row?.followups} to be carried out`;
      } catch (error) {
        last = (error as Error).message;
      }
    }
    if (performance.now() > until) throw new Error(`not at rest in ${msMax / 1_000} s: ${last}`);
    await sleep(lookMs);
  }
}
