/** `npm run bench -- purchases`: how many orders a second, how soon, at what cost, beside what. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { BenchShop, machine } from './purchases/bench-shop.ts';
import {
  afterSellOut,
  bareServer,
  drop,
  fiveLines,
  halfRate,
  hotSku,
  journeys,
  manySkus,
  plainSql,
  type Scenario,
} from './purchases/scenarios.ts';

export interface PurchaseBenchOptions {
  readonly seconds: number;
  readonly connections: number;
}

const reports = path.resolve(import.meta.dirname, '../../reports');

function row({ name, result, auditClean }: Scenario): string {
  // no order was placed where all were told "sold out": JSON has null for NaN
  const figures = [result.p50, result.p95, result.p99].map((ms) => ms?.toFixed(1) ?? '–');
  const rate = Math.round(result.ordersPerSecond);
  const others = Object.entries(result.statuses)
    .filter(([status]) => status !== '201')
    .map(([status, count]) => `${count} × ${status}`)
    .join(', ');
  const notes = [others, result.failed > 0 ? `${result.failed} unanswered` : ''];
  const words = notes.filter((note) => note !== '').join('; ');
  const wal = Math.round(result.walBytesPerOrder);
  const audit = auditClean ? 'clean' : 'BROKEN';
  return `| ${name} | ${rate} | ${figures.join(' | ')} | ${wal} | ${audit} | ${words} |`;
}

function cpuTable({ name, result }: Scenario): string {
  const orders = result.statuses[201] ?? 1;
  const rows = Object.entries(result.cpu)
    .sort(([, a], [, b]) => b - a)
    .map(([role, seconds]) => `| ${role} | ${((seconds / orders) * 1_000).toFixed(3)} |`);
  const total = Object.values(result.cpu).reduce((sum, seconds) => sum + seconds, 0);
  return [
    `CPU seconds per 1,000 orders, ${name}:`,
    '',
    '| role | seconds |',
    '|---|---|',
    ...rows,
    `| all | ${((total / orders) * 1_000).toFixed(3)} |`,
  ].join('\n');
}

export async function benchPurchases(options: PurchaseBenchOptions): Promise<void> {
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  const shop = await BenchShop.start();
  const scenarios: Scenario[] = [];
  const add = async <S extends Scenario>(promise: Promise<S>): Promise<S> => {
    const scenario = await promise;
    scenarios.push(scenario);
    say(row(scenario));
    return scenario;
  };
  try {
    const plain = await plainSql(shop, Math.min(5, options.seconds));
    const bare = await bareServer(options);
    const hot = await add(hotSku(shop, options));
    await add(manySkus(shop, options));
    await add(fiveLines(shop, options));
    await add(halfRate(shop, options, hot.result.ordersPerSecond));
    const trip = await journeys(shop, options);
    const sale = await add(drop(shop));
    const door = await add(afterSellOut(shop, options));
    const best = Math.max(...Object.values(plain));
    const rate = hot.result.ordersPerSecond;
    const text = [
      '# Purchases',
      '',
      `${machine()}; load generator on the same cores; quorum commit on; payment instant.`,
      '',
      '| situation | orders/s | p50 ms | p95 ms | p99 ms | WAL bytes/order | audit | besides |',
      '|---|---|---|---|---|---|---|---|',
      ...scenarios.map(row),
      '',
      `Plain SQL, one transaction per purchase, same trio and driver: ${Object.entries(plain)
        .map(([connections, r]) => `${Math.round(r)}/s with ${connections} connections`)
        .join(', ')}. Ours is ${(rate / best).toFixed(1)} × the better one.`,
      '',
      `A bare node:http server that reads the same POST: ${Math.round(bare.ordersPerSecond)}/s. ` +
        `Ours is ${(rate / bare.ordersPerSecond).toFixed(2)} × that.`,
      '',
      `The guest's whole journey (five calls): ${Math.round(trip.journeysPerSecond)}/s, ` +
        `p50 ${trip.p50.toFixed(0)} ms, p99 ${trip.p99.toFixed(0)} ms; answers ` +
        `${JSON.stringify(trip.statuses)}.`,
      '',
      `The drop: first loser told ${sale.firstLoserAfterMs.toFixed(0)} ms after the last unit was ` +
        `sold; after it ${Math.round(door.result.answersPerSecond)} answers/s at the door.`,
      '',
      cpuTable(hot),
      '',
    ].join('\n');
    mkdirSync(reports, { recursive: true });
    writeFileSync(path.join(reports, 'bench-purchases.md'), text);
    say(`\n${text}\nsaved as reports/bench-purchases.md`);
  } finally {
    await shop.stop();
  }
}
