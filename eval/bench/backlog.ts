/**
 * `npm run bench -- backlog`: what a very long queue does to intake, to claims, and to memory.
 * No worker runs while the queue fills; then one drains it.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { emptyCluster, StaticDirectory } from '../../src/kit/cluster/directory.ts';
import { type Database, openDatabase } from '../../src/kit/database/postgres.ts';
import { PostgresQueue } from '../../src/queue/postgres-queue.ts';
import { makeHome } from '../cluster/running-shop.ts';
import { BenchShop, machine } from './purchases/bench-shop.ts';
import { writeBenchReport } from './write-bench-report.ts';

export interface BacklogOptions {
  readonly depths: readonly number[];
  readonly connections: number;
}

interface Point {
  readonly depth: number;
  readonly acceptedPerSecond: number;
  readonly claimMs: number;
  readonly gatewayMb: number;
}

const claimsPerPoint = 20;
const claimSize = 256;
const drainMsMax = 15 * 60_000;
const unlimited = { DOORBUSTER_SCALING: 'off', DOORBUSTER_QUEUE_SECONDS_MAX: '1000000' };

function residentMb(shop: BenchShop, role: string): number {
  const pid = shop.shop.cluster().services.find((service) => service.role === role)?.pid;
  if (pid === undefined) return Number.NaN;
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(text)?.[1]) / 1_024;
}

function ordersDatabase(shop: BenchShop): Database {
  const leader = shop.shop.cluster().database.leader;
  const directory = new StaticDirectory({
    ...emptyCluster,
    revision: 1,
    database: { leader, followers: [] },
  });
  const password = shop.shop.secrets().databasePasswords['orders'] ?? '';
  return openDatabase({ directory, database: 'orders', password, connectionsMax: 1 });
}

/** Median of claims that are given back at once. */
async function claimMs(database: Database): Promise<number> {
  const queue = new PostgresQueue(database);
  const times: number[] = [];
  for (let count = 0; count < claimsPerPoint; count += 1) {
    const token = randomUUID();
    const started = performance.now();
    const claimed = await queue.claim({
      token,
      limit: claimSize,
      retriesMax: 0,
      leaseMs: 60_000,
      now: Date.now(),
    });
    times.push(performance.now() - started);
    const seqs = claimed.map((each) => each.seq);
    await queue.giveBack(token, seqs);
  }
  times.sort((a, b) => a - b);
  return times[times.length >> 1] ?? Number.NaN;
}

async function fill(shop: BenchShop, options: BacklogOptions): Promise<Point[]> {
  const skus = await shop.stock('LONG', 1, 900_000_000);
  const database = ordersDatabase(shop);
  const points: Point[] = [];
  let depth = 0;
  for (const target of options.depths) {
    const result = await shop.load(
      {
        connections: options.connections,
        seconds: 600,
        requestsMax: target - depth,
        skus,
        prefer: 'respond-async',
      },
      target,
    );
    depth += result.statuses[202] ?? 0;
    const point = {
      depth,
      acceptedPerSecond: (result.statuses[202] ?? 0) / result.seconds,
      claimMs: await claimMs(database),
      gatewayMb: residentMb(shop, 'gateway'),
    };
    points.push(point);
    process.stdout.write(`${row(point)}\n`);
  }
  await database.close();
  return points;
}

function row({ depth, acceptedPerSecond, claimMs: ms, gatewayMb }: Point): string {
  const rate = Math.round(acceptedPerSecond);
  return `| ${depth} | ${rate} | ${ms.toFixed(1)} | ${Math.round(gatewayMb)} |`;
}

/** Resolves to the seconds that one worker took; its largest memory comes along. */
async function drain(shop: BenchShop): Promise<{ seconds: number; workerMb: number }> {
  const started = performance.now();
  let workerMb = 0;
  for (;;) {
    const [left] = await shop.superuser('orders', 'select exists (select 1 from queue) as waiting');
    workerMb = Math.max(workerMb, residentMb(shop, 'worker') || 0);
    if (left?.['waiting'] === false) break;
    if (performance.now() - started > drainMsMax) throw new Error('the queue was not drained');
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  return { seconds: (performance.now() - started) / 1_000, workerMb };
}

export async function benchBacklog(options: BacklogOptions): Promise<void> {
  const home = makeHome();
  try {
    const filling = await BenchShop.start({ ...unlimited, DOORBUSTER_WORKERS: '0' }, home);
    const points = await fill(filling, options).finally(() => filling.stop());
    const draining = await BenchShop.start(unlimited, home);
    try {
      const { seconds, workerMb } = await drain(draining);
      const clean = await draining.audit();
      const depth = points.at(-1)?.depth ?? 0;
      writeBenchReport('backlog', [
        '# A very long queue',
        '',
        machine(),
        '',
        '| depth | accepted/s on the way there | claim of 256, ms (median) | gateway MB |',
        '|---|---|---|---|',
        ...points.map(row),
        '',
        `Drained by one worker in ${seconds.toFixed(0)} s (${Math.round(depth / seconds)}/s), at ` +
          `most ${Math.round(workerMb)} MB; audit ${clean ? 'clean' : 'BROKEN'}.`,
      ]);
    } finally {
      await draining.stop();
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
