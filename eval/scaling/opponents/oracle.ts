/**
 * The oracle knows every arrival. It still has to wait for boots.
 *
 * It plans in slices of some seconds and learns from rehearsals with the same crowd: first as many
 * servers per slice as the work in it needs if everybody is served; then, again and again, one
 * more where clients were lost (repair); then one fewer in every slice where that loses nobody
 * (trim). Orders go out one boot ahead, and a server that is needed again within a boot is kept,
 * because stopping it saves nothing. Several slice lengths and starting points are tried per
 * crowd and the cheapest plan is played.
 *
 * It is a very good plan, not a proven optimum.
 * Rejected: adding a server at the last moment before each request would be late. Everything then
 * runs late together, and the peaks that this makes cost 74 % more server-seconds on the day curve.
 */
import type { Crowd } from '../crowd.ts';
import type { FleetPolicy } from '../fleet-policy.ts';
import {
  bootMs,
  databaseMs,
  intakeMs,
  type Outcome,
  processingMs,
  type ShopOptions,
  simulateShop,
} from '../shop-simulation.ts';

interface Attempt {
  readonly sliceMs: number;
  /** How busy the servers of the first plan would be. */
  readonly busyShare: number;
}

const attempts: readonly Attempt[] = [
  { sliceMs: 2500, busyShare: 0.9 },
  { sliceMs: 5000, busyShare: 1 },
  { sliceMs: 5000, busyShare: 0.8 },
];

const repairsMax = 12;
const trimRounds = 2;
/** Slices between two that are trimmed in the same rehearsal, so that it is clear which lost. */
const trimStride = 5;
/** Enough for any crowd of the workloads. */
const plentyOfServers = 400;

type Tier = 'gateway' | 'worker';
const tiers: readonly Tier[] = ['worker', 'gateway'];
type Plan = Readonly<Record<Tier, Int32Array>>;

interface Rehearsed {
  readonly plan: Plan;
  readonly outcome: Outcome;
  /** Clients lost per slice. */
  readonly lost: Plan;
}

/** The cheapest outcome that planning with foresight finds. */
export function playOracle(crowd: Crowd, options: ShopOptions): Outcome {
  const demand = requestsPerSecond(crowd, options);
  const outcomes = attempts.map(({ sliceMs, busyShare }) => {
    const plan = firstPlan(demand, crowd, options, sliceMs, busyShare);
    let best = repair(crowd, options, sliceMs, rehearse(crowd, options, sliceMs, plan));
    for (let round = 0; round < trimRounds; round++) best = trim(crowd, options, sliceMs, best);
    return best.outcome;
  });
  return outcomes.reduce((best, each) => (each.cost < best.cost ? each : best));
}

/** What would be asked in each second if nobody were ever let down. */
function requestsPerSecond(crowd: Crowd, options: ShopOptions): number[] {
  const totals: number[] = [];
  const size = { gateways: plentyOfServers, workers: plentyOfServers };
  const everyone: FleetPolicy = {
    name: 'everyone is served',
    periodMs: Number.POSITIVE_INFINITY,
    decide: () => size,
  };
  simulateShop(crowd, everyone, {
    ...options,
    readyAtStart: plentyOfServers,
    onSecond: (sample) => totals.push(sample.requestsTotal),
  });
  return totals.map((total, second) => (totals[second + 1] ?? total) - total);
}

function firstPlan(
  demand: readonly number[],
  crowd: Crowd,
  options: ShopOptions,
  sliceMs: number,
  busyShare: number,
): Plan {
  const slices = Math.ceil(crowd.endMs / sliceMs) + 1;
  const needed = (workMs: (second: number) => number) => {
    const work = new Float64Array(slices);
    demand.forEach((requests, second) => {
      const slice = Math.floor((second * 1000) / sliceMs);
      work[slice] = (work[slice] ?? 0) + requests * workMs(second);
    });
    return Int32Array.from(work, (ms) => Math.max(1, Math.ceil(ms / (sliceMs * busyShare))));
  };
  // One request in six and a half is a purchase: 5.5 pages on average, then one purchase.
  const purchaseShare = 1 / 6.5;
  const paymentMs = (second: number) => options.paymentMs(second * 1000) * purchaseShare;
  return {
    gateway: needed(() => intakeMs),
    worker: needed((second) => processingMs + databaseMs + paymentMs(second)),
  };
}

function rehearse(crowd: Crowd, options: ShopOptions, sliceMs: number, plan: Plan): Rehearsed {
  const slices = plan.worker.length;
  const lost = { gateway: new Int32Array(slices), worker: new Int32Array(slices) };
  const onLost = (tier: Tier, now: number) => {
    const slice = Math.floor(now / sliceMs);
    lost[tier][slice] = (lost[tier][slice] ?? 0) + 1;
  };
  const ahead = Math.ceil(bootMs / sliceMs);
  const gateways = highestWithin(plan.gateway, ahead);
  const workers = highestWithin(plan.worker, ahead);
  const fleet: FleetPolicy = {
    name: 'oracle',
    periodMs: sliceMs,
    decide: (_view, now) => {
      const slice = Math.round(now / sliceMs);
      return { gateways: gateways[slice] ?? 1, workers: workers[slice] ?? 1 };
    },
  };
  return { plan, outcome: simulateShop(crowd, fleet, { ...options, onLost }), lost };
}

/** Adds servers where clients were lost until that pays no more. */
function repair(crowd: Crowd, options: ShopOptions, sliceMs: number, first: Rehearsed): Rehearsed {
  let [best, latest] = [first, first];
  for (let round = 0; round < repairsMax && latest.outcome.unhappy > 0; round++) {
    const plan = { gateway: latest.plan.gateway.slice(), worker: latest.plan.worker.slice() };
    for (const tier of tiers) {
      latest.lost[tier].forEach((clients, slice) => {
        if (clients === 0) return;
        // Who is lost at the start of a slice suffered from the one before.
        for (const each of [slice - 1, slice]) {
          if (each >= 0) plan[tier][each] = (plan[tier][each] ?? 1) + Math.ceil(clients / 20);
        }
      });
    }
    latest = rehearse(crowd, options, sliceMs, plan);
    if (latest.outcome.cost < best.outcome.cost) best = latest;
  }
  return best;
}

/** Takes one server out of every slice in turn and keeps what lost nobody new. */
function trim(crowd: Crowd, options: ShopOptions, sliceMs: number, first: Rehearsed): Rehearsed {
  let best = first;
  for (const tier of tiers) {
    for (let offset = 0; offset < trimStride; offset++) {
      const trimmed = rehearse(crowd, options, sliceMs, withoutOne(best.plan, tier, offset));
      const plan = { gateway: best.plan.gateway.slice(), worker: best.plan.worker.slice() };
      for (let slice = offset; slice < plan[tier].length; slice += trimStride) {
        if (lostAround(trimmed, slice) <= lostAround(best, slice)) {
          plan[tier][slice] = trimmed.plan[tier][slice] as number;
        }
      }
      const kept = rehearse(crowd, options, sliceMs, plan);
      if (kept.outcome.cost < best.outcome.cost) best = kept;
    }
  }
  return best;
}

function withoutOne(plan: Plan, tier: Tier, offset: number): Plan {
  const fewer = { gateway: plan.gateway.slice(), worker: plan.worker.slice() };
  for (let slice = offset; slice < fewer[tier].length; slice += trimStride) {
    fewer[tier][slice] = Math.max(1, (fewer[tier][slice] as number) - 1);
  }
  return fewer;
}

function lostAround(rehearsed: Rehearsed, slice: number): number {
  let lost = 0;
  for (const tier of tiers) {
    for (let each = slice; each < slice + 2; each++) lost += rehearsed.lost[tier][each] ?? 0;
  }
  return lost;
}

/** For each step the highest value among it and the `ahead` steps after it. */
export function highestWithin(values: Int32Array, ahead: number): Int32Array {
  return values.map((value, step) => {
    let highest = value;
    for (let each = step + 1; each <= step + ahead; each++) {
      highest = Math.max(highest, values[each] ?? 0);
    }
    return highest;
  });
}
