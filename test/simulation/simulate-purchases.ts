/** Runs histories of the purchase protocol, one a seed, and says which seeds broke a promise. */
import { describeViolations, type Violation } from '../../eval/history/violation.ts';
import { createRandom } from '../../eval/scaling/random.ts';
import { drawHistorySize, drawScenario, type HistorySize } from './scenario.ts';
import type { Mutation } from './shop-world.ts';
import { type ShopRun, SimulatedShop } from './simulated-shop.ts';

export interface SimulationOptions {
  readonly firstSeed: number;
  readonly seeds: number;
  /** Simulated hours a seed; without it each history is short and dense. */
  readonly hours?: number;
  readonly mutation?: Mutation;
  /** Stop at the first seed that breaks a promise. */
  readonly untilBroken?: boolean;
  readonly onSeed?: (seed: number, run: ShopRun) => void;
}

export interface BrokenSeed {
  readonly seed: number;
  readonly violations: readonly Violation[];
}

export interface SimulationReport {
  readonly seeds: number;
  readonly broken: readonly BrokenSeed[];
  readonly events: number;
  readonly simulatedHours: number;
  readonly placed: number;
  readonly rejected: number;
  readonly crashes: number;
}

const hourMs = 3_600_000;
const purchasesPerHour = 40;
const longIdlePollMs = 60_000;

export function simulateSeed(
  seed: number,
  { hours, mutation }: Pick<SimulationOptions, 'hours' | 'mutation'>,
  traces = false,
): Promise<ShopRun> {
  const random = createRandom(seed, 'scenario');
  const size = hours === undefined ? drawHistorySize(random) : longHistory(hours);
  return new SimulatedShop(seed, drawScenario(random, size), mutation, traces).run();
}

/** Idle workers look seldom, so that a day costs what happens in it (work is notified). */
function longHistory(hours: number): HistorySize {
  const purchases = Math.ceil(purchasesPerHour * hours);
  return { purchases, spanMs: hours * hourMs, idlePollMs: longIdlePollMs };
}

export async function simulatePurchases(options: SimulationOptions): Promise<SimulationReport> {
  const { firstSeed, seeds, untilBroken = false, onSeed } = options;
  const broken: BrokenSeed[] = [];
  const sums = { events: 0, simulatedHours: 0, placed: 0, rejected: 0, crashes: 0 };
  let done = 0;
  for (; done < seeds && !(untilBroken && broken.length > 0); done += 1) {
    const seed = firstSeed + done;
    const run = await simulateSeed(seed, options);
    const { events, simulatedMs, placed, rejected, crashes } = run.figures;
    sums.events += events;
    sums.simulatedHours += simulatedMs / hourMs;
    sums.placed += placed;
    sums.rejected += rejected;
    sums.crashes += crashes;
    if (run.violations.length > 0) broken.push({ seed, violations: run.violations });
    onSeed?.(seed, run);
  }
  return { seeds: done, broken, ...sums };
}

/** What to print for a seed that broke a promise, and how to see it again. */
export function describeBroken({ seed, violations }: BrokenSeed, hours?: number): string {
  const again =
    hours === undefined
      ? `SEED=${seed} npm test -- simulation`
      : `npm run simulate -- purchases --first-seed ${seed} --hours ${hours} --trace`;
  return `seed ${seed} (again: ${again})\n${describeViolations(violations)}`;
}
