/**
 * `npm run bench -- quorum`: what the promise of two disks costs. One product, bought by everybody,
 * on the trio and, in turn, on its leader alone: followers and supervisor stand still (SIGSTOP),
 * and a commit waits for the leader's own disk only.
 */
import { realpathSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { processesIn } from '../../src/services/supervisor/process-table.ts';
import { median } from './median.ts';
import { BenchShop, machine } from './purchases/bench-shop.ts';
import { writeBenchReport } from './write-bench-report.ts';

export interface QuorumBenchOptions {
  readonly seconds: number;
  readonly connections: number;
  readonly rounds: number;
}

const streamPauseMs = 100;
const followMsMax = 60_000;
const warmSeconds = 4;

/** Runs `work` while the leader is alone, and has the followers back before it returns. */
async function alone<T>(shop: BenchShop, work: () => Promise<T>): Promise<T> {
  const { home, supervisorPid } = shop.shop;
  const followers = shop.shop
    .cluster()
    .database.followers.flatMap(({ id }) =>
      processesIn(path.join(realpathSync(path.join(home, 'pg')), id, 'data')),
    );
  process.kill(supervisorPid, 'SIGSTOP'); // or it would mend what we break
  for (const pid of followers) process.kill(pid, 'SIGSTOP');
  await shop.superuser('postgres', "alter system set synchronous_standby_names = ''");
  await shop.superuser('postgres', 'select pg_reload_conf()');
  try {
    return await work();
  } finally {
    for (const pid of followers) process.kill(pid, 'SIGCONT');
    await shop.superuser('postgres', 'alter system reset synchronous_standby_names');
    await shop.superuser('postgres', 'select pg_reload_conf()');
    await untilBothFollow(shop).finally(() => process.kill(supervisorPid, 'SIGCONT'));
  }
}

async function untilBothFollow(shop: BenchShop): Promise<void> {
  const sql =
    "select count(*)::int as caught_up from pg_stat_replication where state = 'streaming' " +
    'and replay_lsn >= pg_current_wal_lsn() - 1000000';
  for (const until = performance.now() + followMsMax; performance.now() < until; ) {
    const [row] = await shop.superuser('postgres', sql);
    if (row?.['caught_up'] === 2) return;
    await sleep(streamPauseMs);
  }
  throw new Error('the followers did not catch up again');
}

export async function benchQuorum({ seconds, connections, rounds }: QuorumBenchOptions) {
  const shop = await BenchShop.start({ DOORBUSTER_SCALING: 'off' });
  try {
    const skus = await shop.stock('QUORUM', 1, 9_000_000);
    const rate = async (): Promise<number> => {
      return (await shop.load({ connections, seconds, skus })).ordersPerSecond;
    };
    await shop.load({ connections, seconds: warmSeconds, skus });
    const rows: { trio: number; single: number }[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const trio = await rate();
      rows.push({ trio, single: await alone(shop, rate) });
    }
    const costs = rows.map(({ trio, single }) => 100 * (1 - trio / single));
    const audit = (await shop.audit()) ? 'clean' : 'BROKEN';
    writeBenchReport('quorum', [
      '# What the quorum costs',
      '',
      `${machine()}; ${connections} buyers of one product, load generator on the same cores.`,
      '',
      '| round | trio, orders/s | leader alone, orders/s | cost |',
      '|---|---|---|---|',
      ...rows.map(({ trio, single }, index) => {
        const cost = `${(costs[index] ?? Number.NaN).toFixed(0)} %`;
        return `| ${index + 1} | ${Math.round(trio)} | ${Math.round(single)} | ${cost} |`;
      }),
      '',
      `The quorum costs ${median(costs).toFixed(0)} % (median); audit ${audit}.`,
    ]);
  } finally {
    await shop.stop();
  }
}
