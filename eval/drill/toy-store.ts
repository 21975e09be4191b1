/**
 * The experiment of the toy store that this shop grew from: 1,000 purchases one after the other,
 * a random copy of the order log killed on the way and brought back, side by side with the same run
 * without a crash. The toy store lost 26 of 1,000 and took 60.0 s instead of 57.7 s.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { signalAll, untilGone } from '../faults/target.ts';
import { seededRandom } from '../load/purchase-load.ts';
import { Crowd } from './crowd.ts';
import { percentile } from './drill-figures.ts';
import { machine, markdownTable } from './drill-report.ts';
import { DrilledShop } from './drilled-shop.ts';
import type { Say } from './fault-run.ts';
import { untilHealthy } from './health.ts';
import {
  durationOf,
  endedAt,
  endingOf,
  type PurchaseRecord,
  startedAt,
} from './purchase-record.ts';
import { ms } from './report-sections.ts';
import type { Assortment } from './shopping.ts';
import { Standstills } from './standstills.ts';
import { judge, type Verdict } from './verdict.ts';

export interface ToyStoreOptions {
  readonly purchases: number;
  /** Pairs of a run without and a run with a crash. */
  readonly rounds: number;
  readonly seed: number;
}

interface Crash {
  readonly id: string;
  /** Share of the purchases after which it happens. */
  readonly killAt: number;
}

interface Run {
  /** The copy that was killed, and what it was then; null in a run without a crash. */
  readonly victim: string | null;
  readonly seconds: number;
  readonly worstMs: number;
  readonly lost: number;
  readonly purchases: readonly PurchaseRecord[];
}

const reports = path.resolve(import.meta.dirname, '../../reports');
const wholeMsMax = 60_000;
const slowMsMin = 5_000;
const triesMax = 3;
/** The kill comes after a random share of the run: early enough to see the recovery in it. */
const killShare = { min: 0.2, max: 0.6 };

export async function runToyStore(options: ToyStoreOptions, say: Say): Promise<boolean> {
  const { rounds, seed } = options;
  const random = seededRandom(seed);
  const shop = await DrilledShop.start({ withNetwork: false });
  const runs: Run[] = [];
  const all: PurchaseRecord[] = [];
  try {
    const assortment = { ...(await shop.stock()), scarce: [] };
    await buyInTurn(shop, assortment, { ...options, seed: seed * 100 }, null, say); // warms up
    for (let round = 1; round <= rounds; round += 1) {
      const order = round % 2 === 1 ? [false, true] : [true, false];
      for (const isCrashing of order) {
        const victim = isCrashing ? Math.floor(random() * shop.nodeIds.length) : null;
        const killAt = killShare.min + random() * (killShare.max - killShare.min);
        const plan = victim === null ? null : { id: shop.nodeIds[victim] ?? '', killAt };
        const roundOptions = { ...options, seed: seed + round };
        runs.push(await buyOnMovingMachine(shop, assortment, roundOptions, plan, say, all));
      }
    }
    const verdict = await judge(shop, all, { excused: [] });
    write(options, runs, verdict, say);
    return verdict.isClean && runs.every(({ lost }) => lost === 0);
  } finally {
    await shop.stop(false);
  }
}

/** Runs again where the machine itself stood still meanwhile. `all` gets every purchase. */
async function buyOnMovingMachine(
  shop: DrilledShop,
  assortment: Assortment,
  options: ToyStoreOptions,
  crash: Crash | null,
  say: Say,
  all: PurchaseRecord[],
): Promise<Run> {
  for (let tries = 1; ; tries += 1) {
    const standstills = new Standstills();
    const run = await buyInTurn(shop, assortment, options, crash, say);
    standstills.close();
    for (const purchase of run.purchases) all.push(purchase);
    if (standstills.found.length === 0 || tries === triesMax) return run;
    say(`the machine stood still for ${ms(standstills.found[0]?.ms ?? 0)}: once more`);
  }
}

async function buyInTurn(
  shop: DrilledShop,
  assortment: Assortment,
  { purchases, seed }: ToyStoreOptions,
  crash: Crash | null,
  say: Say,
): Promise<Run> {
  await untilHealthy(shop, wholeMsMax);
  const before = shop.cluster.database.leader?.id;
  const crowd = new Crowd({
    url: shop.url,
    seed,
    assortment,
    ratePerSecond: 0,
    inTurn: true,
    purchasesMax: purchases,
  });
  let victim: string | null = null;
  if (crash !== null) {
    await crowd.untilServed(Math.round(crash.killAt * purchases));
    const processes = shop.node(crash.id);
    signalAll(processes, 'SIGKILL');
    await untilGone(processes);
    victim = `${crash.id} (${crash.id === before ? 'leader' : 'follower'})`;
  }
  const records = await crowd.records();
  const [first, last] = [records[0], records.at(-1)];
  const times = first === undefined || last === undefined ? 0 : endedAt(last.attempts);
  const run: Run = {
    victim,
    seconds: (times - startedAt(first?.attempts ?? [])) / 1_000,
    worstMs: Math.max(...records.map(durationOf)),
    lost: records.filter((each) => !['placed', 'rejected'].includes(endingOf(each))).length,
    purchases: records,
  };
  say(`${victim ?? 'no crash'}: ${run.seconds.toFixed(2)} s, worst ${ms(run.worstMs)}`);
  for (const slow of records.filter((each) => durationOf(each) > slowMsMin))
    say(describeSlow(slow));
  await sleep(500);
  return run;
}

/** What a shopper went through who waited long: each request with its answer. */
function describeSlow({ key, attempts }: PurchaseRecord): string {
  const from = startedAt(attempts);
  const requests = attempts.map(({ sentAt, answeredAt, status, answer }) => {
    return `${ms(sentAt - from)} to ${ms(answeredAt - from)} ${status} ${answer.kind}`;
  });
  return `  ${key} waited: ${requests.join('; ')}`;
}

/** With a crash over without, for each pair of runs that stood side by side; sorted. */
function pairRatios(runs: readonly Run[]): number[] {
  const ratios: number[] = [];
  for (let index = 0; index + 1 < runs.length; index += 2) {
    const pair = runs.slice(index, index + 2);
    const calm = pair.find(({ victim }) => victim === null)?.seconds ?? Number.NaN;
    const crashed = pair.find(({ victim }) => victim !== null)?.seconds ?? Number.NaN;
    ratios.push(crashed / calm);
  }
  return ratios.sort((a, b) => a - b);
}

function write(options: ToyStoreOptions, runs: readonly Run[], verdict: Verdict, say: Say): void {
  const secondsOf = (isCrashed: boolean): number[] =>
    runs
      .filter(({ victim }) => (victim !== null) === isCrashed)
      .map(({ seconds }) => seconds)
      .sort((a, b) => a - b);
  const [calm, crashed] = [percentile(secondsOf(false), 0.5), percentile(secondsOf(true), 0.5)];
  const ratios = pairRatios(runs);
  const lost = verdict.violations.filter(({ kind }) => kind === 'lost').length;
  const rows = [
    ['lost purchases, of 1,000', '26', String(lost)],
    ['violations of any promise', 'not checked', String(verdict.violations.length)],
    ['three copies equal', 'not checked', verdict.copies.differences.length === 0 ? 'yes' : 'NO'],
    ['without a crash (median)', '57.7 s', `${calm.toFixed(2)} s`],
    ['with a crash (median)', '60.0 s', `${crashed.toFixed(2)} s`],
    [
      'ratio, median of the pairs',
      '1.040',
      `${percentile(ratios, 0.5).toFixed(3)} (${ratios.map((each) => each.toFixed(3)).join(', ')})`,
    ],
  ];
  const runRows = runs.map(({ victim, seconds, worstMs, lost: unserved }) => [
    victim ?? '–',
    `${seconds.toFixed(2)} s`,
    ms(worstMs),
    String(unserved),
  ]);
  const text = [
    "# The toy store's experiment",
    `${options.purchases} purchases one after the other, a random copy of the order log killed ` +
      `on the way and brought back; ${options.rounds} pairs of runs, seed ${options.seed}. ` +
      `${machine()}.`,
    markdownTable({ head: ['', 'toy store', 'Doorbuster'], rows }),
    '## Runs',
    markdownTable({
      head: ['killed', 'all purchases', 'slowest purchase', 'not served'],
      rows: runRows,
    }),
  ].join('\n\n');
  mkdirSync(reports, { recursive: true });
  writeFileSync(path.join(reports, 'drill-toy-store.md'), `${text}\n`);
  say(`${text}\n\nwritten: reports/drill-toy-store.md`);
}
