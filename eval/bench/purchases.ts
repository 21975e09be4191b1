/** `npm run bench -- purchases`: how many orders a second, how soon, at what cost, beside what. */
import { BenchShop, machine } from './purchases/bench-shop.ts';
import {
  afterSellOut,
  bareServer,
  createPlainDatabase,
  drop,
  fiveLines,
  halfRate,
  hotSku,
  journeys,
  manySkus,
  plainSql,
  type Scenario,
  warmUpSeconds,
} from './purchases/scenarios.ts';
import { writeBenchReport } from './write-bench-report.ts';

export interface PurchaseBenchOptions {
  readonly seconds: number;
  readonly connections: number;
  /** How often ours, many SKUs, plain SQL and a bare server are measured, in turn. */
  readonly rounds: number;
}

const plainSecondsMax = 5;

function row({ name, result, auditClean }: Scenario): string {
  // no order was placed where all were refused as sold out: JSON has null for NaN
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

interface Round {
  readonly hot: Scenario;
  readonly many: Scenario;
  /** Plain SQL, orders/s: the better of its numbers of connections. */
  readonly plain: number;
  /** A bare node:http server, answers/s. */
  readonly bare: number;
}

/** In turn, so that a machine whose speed drifts is fair to all four. */
async function compare(
  shop: BenchShop,
  options: PurchaseBenchOptions,
  say: (text: string) => void,
): Promise<{ readonly first: number; readonly rounds: readonly Round[] }> {
  await createPlainDatabase(shop);
  const { first, measure: measureHot } = await hotSku(shop, options);
  const measureMany = await manySkus(shop, options);
  const rounds: Round[] = [];
  for (let count = 0; count < options.rounds; count += 1) {
    const rates = await plainSql(shop, Math.min(plainSecondsMax, options.seconds));
    const { ordersPerSecond: bare } = await bareServer(options);
    const hot = await measureHot();
    const many = await measureMany();
    rounds.push({ hot, many, plain: Math.max(...Object.values(rates)), bare });
    say(`${row(hot)} plain SQL ${JSON.stringify(rates)}, bare server ${Math.round(bare)}/s`);
    say(row(many));
  }
  return { first: first.ordersPerSecond, rounds };
}

/** The one whose figure is the median. */
function middle<T>(items: readonly T[], figure: (item: T) => number): T {
  const sorted = items.toSorted((a, b) => figure(a) - figure(b));
  return sorted[sorted.length >> 1] as T;
}

function comparison(rounds: readonly Round[]): string {
  const ours = ({ hot }: Round): number => hot.result.ordersPerSecond;
  const ofMany = ({ many }: Round): number => many.result.ordersPerSecond;
  const ratios = (rival: (round: Round) => number, own = ours): string => {
    const all = rounds.map((round) => own(round) / rival(round));
    const each = all.map((ratio) => ratio.toFixed(2)).join(', ');
    return `${middle(all, (ratio) => ratio).toFixed(2)} × (${each})`;
  };
  return [
    'Measured in turn, round by round:',
    '',
    '| round | ours, orders/s | 1,000 SKUs | plain SQL, orders/s | bare node:http, answers/s |',
    '|---|---|---|---|---|',
    ...rounds.map((round, index) => {
      const figures = [ours(round), ofMany(round), round.plain, round.bare].map((each) =>
        Math.round(each),
      );
      return `| ${index + 1} | ${figures.join(' | ')} |`;
    }),
    '',
    `Ours is ${ratios(({ plain }) => plain)} one transaction per purchase on the same trio with ` +
      `the same driver (the better of 16 and 64 connections), and ${ratios(({ bare }) => bare)} ` +
      `a bare server that reads the same POST and answers 201; 1,000 SKUs: ` +
      `${ratios(ours, ofMany)} one hot SKU.`,
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
    const { first: cold, rounds } = await compare(shop, options, say);
    const hot = middle(rounds, (round) => round.hot.result.ordersPerSecond).hot;
    scenarios.push(hot);
    scenarios.push(middle(rounds, ({ many }) => many.result.ordersPerSecond).many);
    await add(fiveLines(shop, options));
    await add(halfRate(shop, options, hot.result.ordersPerSecond));
    const { first, steady: trip } = await journeys(shop, options);
    const sale = await add(drop(shop));
    const door = await add(afterSellOut(shop, options));
    writeBenchReport('purchases', [
      '# Purchases',
      '',
      `${machine()}; load generator on the same cores; quorum commit on; payment instant.`,
      '',
      '| situation | orders/s | p50 ms | p95 ms | p99 ms | WAL bytes/order | audit | besides |',
      '|---|---|---|---|---|---|---|---|',
      ...scenarios.map(row),
      '',
      comparison(rounds),
      '',
      `Before that, in the first ${warmUpSeconds} s: ${Math.round(cold)} orders/s of the hot SKU.`,
      '',
      `The guest's whole journey (five calls): ${Math.round(trip.journeysPerSecond)}/s, ` +
        `p50 ${trip.p50.toFixed(0)} ms, p99 ${trip.p99.toFixed(0)} ms; answers ` +
        `${JSON.stringify(trip.statuses)}. Before that, in the first ${warmUpSeconds} s: ` +
        `${Math.round(first.journeysPerSecond)}/s.`,
      '',
      `The drop: first refusal ${sale.firstLoserAfterMs.toFixed(0)} ms after the last unit ` +
        `was sold; after it ${Math.round(door.result.answersPerSecond)} refusals/s by the gateway.`,
      '',
      cpuTable(hot),
    ]);
  } finally {
    await shop.stop();
  }
}
