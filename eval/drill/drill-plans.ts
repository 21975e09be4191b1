/** What a drill does to the shop: faults in turn, or a random sequence of them from a seed. */
import type { Fault } from '../faults/fault.ts';
import { faultNamed, randomFaults } from '../faults/fault-catalogue.ts';
import { seededRandom } from '../load/purchase-load.ts';
import type { DrillPlan } from './drill-run.ts';
import { type FaultStep, inflictInTurn, inflictOnTheClock } from './fault-run.ts';

export interface PlanOptions {
  readonly seed: number;
  readonly ratePerSecond: number;
}

const quietMs = 3_000;
const everyMs = 20_000;
/** A fault heals before the next one comes. */
const lastsShareMax = 0.4;

/** Each named fault `runs` times, every time on a shop that is whole. */
export function faultsInTurn(
  names: readonly string[],
  runs: number,
  { seed, ratePerSecond }: PlanOptions,
): DrillPlan {
  const faults = names.map(faultNamed);
  const steps = faults.flatMap((fault) =>
    Array.from({ length: runs }, (): FaultStep => ({ fault, lastsMs: fault.lastsMs, quietMs })),
  );
  return {
    name: names.length === 1 ? (names[0] ?? '') : `${names.length}-faults`,
    title: `Drill: ${names.length > 3 ? `${names.length} faults` : names.join(', ')} × ${runs}`,
    seed,
    ratePerSecond,
    ...shopFor(faults),
    during: (shop, say) => inflictInTurn(shop, steps, say),
  };
}

/** One random fault every 20 s. The same seed gives the same faults in the same order. */
export function randomSequence(
  seconds: number,
  allowed: readonly string[],
  { seed, ratePerSecond }: PlanOptions,
): DrillPlan {
  const random = seededRandom(seed);
  const choice = allowed.length === 0 ? randomFaults : allowed.map(faultNamed);
  const steps = Array.from({ length: Math.max(1, Math.round((seconds * 1_000) / everyMs)) }, () => {
    const fault = choice[Math.floor(random() * choice.length)] as Fault;
    const lastsMs = fault.lastsMs * (0.3 + random());
    return { fault, lastsMs: Math.min(lastsMs, everyMs * lastsShareMax), quietMs: null };
  });
  return {
    name: `random-${seed}`,
    title: `Drill: random faults from seed ${seed}, one every ${everyMs / 1_000} s`,
    seed,
    ratePerSecond,
    ...shopFor(steps.map(({ fault }) => fault)),
    during: (shop, say) => inflictOnTheClock(shop, steps, everyMs, say),
  };
}

function shopFor(faults: readonly Fault[]) {
  const hurtsPayments = faults.some(({ name }) => name.startsWith('payments-'));
  return {
    withNetwork: faults.some(({ needsNetwork }) => needsNetwork === true),
    env: Object.assign({}, ...faults.map(({ env }) => env ?? {})) as Record<string, string>,
    excused: hurtsPayments ? ['payment-timeout'] : [],
  };
}
