/** The measured situations of the purchase path; each ends with an audit. */
import { type ChildProcess, fork } from 'node:child_process';
import path from 'node:path';
import { runForJson } from '../../cluster/child-json.ts';
import type { JourneyResult } from '../../load/journey-load.ts';
import type { PurchaseLoadResult } from '../../load/purchase-load.ts';
import type { BenchShop, Measured } from './bench-shop.ts';

const here = import.meta.dirname;
const plainSqlScript = path.join(here, '../../load/plain-sql.ts');
const bareServerScript = path.join(here, '../../load/bare-server.ts');
const loadScript = path.join(here, '../../load/purchase-load.ts');
const journeyScript = path.join(here, '../../load/journey-load.ts');

export interface Scenario {
  readonly name: string;
  readonly result: Measured;
  readonly auditClean: boolean;
}

export interface Durations {
  readonly seconds: number;
  readonly connections: number;
}

async function measured(
  shop: BenchShop,
  name: string,
  load: Parameters<BenchShop['load']>[0],
): Promise<Scenario> {
  const result = await shop.load(load);
  return { name, result, auditClean: await shop.audit() };
}

/** Until V8 has compiled what a purchase, and then a journey, runs through. */
export const warmUpSeconds = 20;

/**
 * One product, bought by everybody: `first` by a shop that has just started; each call of `measure`
 * measures anew.
 */
export async function hotSku(
  shop: BenchShop,
  d: Durations,
): Promise<{ readonly first: Measured; readonly measure: () => Promise<Scenario> }> {
  const skus = await shop.stock('HOT', 1, 9_000_000);
  const first = await shop.load({ connections: d.connections, seconds: warmUpSeconds, skus });
  return { first, measure: () => measured(shop, 'one hot SKU', { ...d, skus }) };
}

export async function manySkus(shop: BenchShop, d: Durations): Promise<() => Promise<Scenario>> {
  const skus = await shop.stock('MANY', 1_000, 900_000);
  return () => measured(shop, '1,000 SKUs by Zipf', { ...d, skus, zipf: 1 });
}

export async function fiveLines(shop: BenchShop, d: Durations): Promise<Scenario> {
  const skus = await shop.stock('FIVE', 1_000, 900_000);
  return measured(shop, 'carts of 5 lines', { ...d, skus, zipf: 0.5, linesPerOrder: 5 });
}

/** The kernel writes what is dirty every 30 s: a shorter run has that, or has not. */
const halfRateTimes = 4;

/** For `halfRateTimes` as long as the others. */
export async function halfRate(shop: BenchShop, d: Durations, maximum: number): Promise<Scenario> {
  const skus = await shop.stock('HALF', 1, 900_000);
  const ratePerSecond = Math.floor(maximum / 2);
  const seconds = halfRateTimes * d.seconds;
  const name = `one hot SKU, open loop at half of the maximum (${ratePerSecond}/s, ${seconds} s)`;
  return measured(shop, name, { ...d, seconds, skus, ratePerSecond });
}

/** 20,000 buyers within 10 s for 500 units. */
export async function drop(shop: BenchShop): Promise<Scenario & { firstLoserAfterMs: number }> {
  const skus = await shop.stock('DROP', 1, 500);
  const scenario = await measured(shop, 'a drop: 20,000 buyers in 10 s for 500 units', {
    connections: 2_000,
    seconds: 10,
    ratePerSecond: 2_000,
    requestsMax: 20_000,
    skus,
    timeline: true,
  });
  const timeline = scenario.result.timeline ?? [];
  const lastSold = Math.max(...timeline.filter(([, s]) => s === 201).map(([at]) => at));
  const soldOutAt = timeline.filter(([, status]) => status === 201).at(-1)?.[0] ?? lastSold;
  const firstLoser = timeline.find(([, status]) => status === 409)?.[0] ?? Number.NaN;
  return { ...scenario, firstLoserAfterMs: firstLoser - soldOutAt };
}

/** After the sell-out: how many a second the gateway can refuse. */
export async function afterSellOut(shop: BenchShop, d: Durations): Promise<Scenario> {
  return measured(shop, 'refused as "sold out" by the gateway', { ...d, skus: ['DROP-1'] });
}

/**
 * New cart, two lines, cart again, purchase: five calls. Twice: while the shop has seen no guest
 * yet, and after that.
 */
export async function journeys(
  shop: BenchShop,
  d: Durations,
): Promise<{ readonly first: JourneyResult; readonly steady: JourneyResult }> {
  const skus = await shop.stock('TRIP', 100, 900_000);
  const argument = { port: shop.shop.port, connections: 256, skus };
  const run = (seconds: number) =>
    runForJson<JourneyResult>(journeyScript, { ...argument, seconds });
  const first = await run(warmUpSeconds);
  return { first, steady: await run(d.seconds) };
}

export async function createPlainDatabase(shop: BenchShop): Promise<void> {
  await shop.superuser('postgres', 'create database plain_sql');
}

/** Orders a second by number of connections. */
export async function plainSql(shop: BenchShop, seconds: number): Promise<Record<number, number>> {
  const rates: Record<number, number> = {};
  for (const connections of [16, 64]) {
    const { ordersPerSecond } = await runForJson<{ ordersPerSecond: number }>(plainSqlScript, {
      port: shop.leaderPort(),
      password: shop.superuserPassword(),
      connections,
      seconds,
    });
    rates[connections] = ordersPerSecond;
  }
  return rates;
}

export async function bareServer(d: Durations): Promise<PurchaseLoadResult> {
  const server: ChildProcess = fork(bareServerScript);
  const { port } = await new Promise<{ port: number }>((resolve) =>
    server.once('message', (message) => resolve(message as { port: number })),
  );
  try {
    return await runForJson<PurchaseLoadResult>(loadScript, { port, seed: 1, skus: ['X'], ...d });
  } finally {
    server.kill();
  }
}
