/**
 * The search that chose the constants of the simulated shop, on the tuning seeds only.
 *
 * It changes one to three knobs at random and keeps what is better: a dozen knobs that hang
 * together, with a noisy measure, make anything cleverer no better. The measure is the mean over
 * the workloads of ln(our cost ÷ the oracle's), so that a day does not outweigh half a minute.
 */
import type { ScalingTunables } from '../../src/scaling/scaling-tunables.ts';
import type { Crowd } from './crowd.ts';
import { playOracle } from './opponents/oracle.ts';
import { announcedFloors, ourPolicy, simulatedShopTunables } from './our-policy.ts';
import { createRandom, type Random, uniformInteger } from './random.ts';
import { seedsFrom, tuningSeedFirst, tuningSeedLast } from './seeds.ts';
import { simulateShop } from './shop-simulation.ts';
import { type Workload, workloads } from './workload.ts';

/** Every value that the search may try. */
const knobs = {
  workerSpareSigmas: [0, 0.2, 0.4, 0.6, 0.8, 1, 1.5, 2],
  workerSpareServers: [0, 0.2, 0.4, 0.6, 1, 1.5, 2],
  gatewaySpareSigmas: [0, 0.2, 0.4, 0.6, 0.8, 1, 1.5],
  gatewaySpareServers: [0, 0.1, 0.3, 0.5, 1],
  allowedWaitMs: [100, 250, 400, 600, 1000],
  drainMs: [1000, 2000, 4000, 8000],
  ageAlarmMs: [400, 500, 600, 1000, 2000],
  riseSigmas: [1.5, 2, 2.5, 3, 4],
  fallSigmas: [1, 1.5, 2, 2.5, 3],
  downAfterMs: [15_000, 20_000, 30_000, 45_000, 60_000],
  downMarginServers: [0, 0.1, 0.2],
  fadeShare: [0, 0.3, 0.5, 0.7, 1],
  requestClumping: [1, 3, 6],
} as const;

type Knob = keyof typeof knobs;
export type Setting = Readonly<Record<Knob, number>>;

const knobNames = Object.keys(knobs) as Knob[];

const currentSetting: Setting = {
  workerSpareSigmas: simulatedShopTunables.worker.spareSigmas,
  workerSpareServers: simulatedShopTunables.worker.spareServers,
  gatewaySpareServers: simulatedShopTunables.servers.gateway.spareServers,
  gatewaySpareSigmas: simulatedShopTunables.servers.gateway.spareSigmas,
  allowedWaitMs: simulatedShopTunables.worker.allowedWaitMs,
  drainMs: simulatedShopTunables.worker.drainMs,
  ageAlarmMs: simulatedShopTunables.worker.ageAlarmMs,
  riseSigmas: simulatedShopTunables.rate.riseSigmas,
  fallSigmas: simulatedShopTunables.rate.fallSigmas,
  downAfterMs: simulatedShopTunables.downAfterMs,
  downMarginServers: simulatedShopTunables.downMarginServers,
  fadeShare: simulatedShopTunables.fadeShare,
  requestClumping: simulatedShopTunables.requestClumping,
};

interface Lesson {
  readonly workload: Workload;
  readonly crowds: readonly Crowd[];
  readonly oracleCost: number;
}

interface TuningOptions {
  /** Crowds per workload, from the first tuning seed on. */
  readonly seeds: number;
  readonly minutes: number;
  readonly onBetter: (score: number, setting: Setting) => void;
}

/** Searches for as long as it may; the best setting found and its score. */
export function tune(options: TuningOptions): { score: number; setting: Setting } {
  if (options.seeds > tuningSeedLast - tuningSeedFirst + 1) {
    throw new RangeError('more crowds than there are seeds to tune on');
  }
  const lessons = workloads.map((workload) => learnLesson(workload, options.seeds));
  const random = createRandom(tuningSeedFirst, 'tuning');
  const until = performance.now() + options.minutes * 60_000;
  let best = { score: scoreOf(currentSetting, lessons), setting: currentSetting };
  options.onBetter(best.score, best.setting);
  while (performance.now() < until) {
    const setting = changed(best.setting, random);
    const score = scoreOf(setting, lessons);
    if (score >= best.score) continue;
    best = { score, setting };
    options.onBetter(score, setting);
  }
  return best;
}

function learnLesson(workload: Workload, seeds: number): Lesson {
  const crowds = seedsFrom(tuningSeedFirst, seeds).map((seed) => workload.crowd(seed));
  const costs = crowds.map((crowd) => playOracle(crowd, { paymentMs: workload.paymentMs }).cost);
  return { workload, crowds, oracleCost: costs.reduce((sum, cost) => sum + cost, 0) };
}

function changed(setting: Setting, random: Random): Setting {
  const next: Record<Knob, number> = { ...setting };
  for (let change = uniformInteger(random, 1, 3); change > 0; change--) {
    const knob = knobNames[uniformInteger(random, 0, knobNames.length - 1)] as Knob;
    const values = knobs[knob];
    next[knob] = values[uniformInteger(random, 0, values.length - 1)] as number;
  }
  return next;
}

function scoreOf(setting: Setting, lessons: readonly Lesson[]): number {
  const tunables = tunablesOf(setting);
  let sum = 0;
  for (const { workload, crowds, oracleCost } of lessons) {
    let cost = 0;
    for (const crowd of crowds) {
      const policy = ourPolicy(tunables, announcedFloors(workload.announced, tunables));
      cost += simulateShop(crowd, policy, { paymentMs: workload.paymentMs }).cost;
    }
    sum += Math.log(cost / oracleCost);
  }
  return sum / lessons.length;
}

function tunablesOf(setting: Setting): ScalingTunables {
  const { worker, servers, rate } = simulatedShopTunables;
  const { allowedWaitMs, drainMs, ageAlarmMs, riseSigmas, fallSigmas } = setting;
  const workerSpare = {
    spareSigmas: setting.workerSpareSigmas,
    spareServers: setting.workerSpareServers,
  };
  const gatewaySpare = {
    spareSigmas: setting.gatewaySpareSigmas,
    spareServers: setting.gatewaySpareServers,
  };
  return {
    ...simulatedShopTunables,
    worker: { ...worker, ...workerSpare, allowedWaitMs, drainMs, ageAlarmMs },
    servers: { ...servers, gateway: { ...servers.gateway, ...gatewaySpare } },
    rate: { ...rate, riseSigmas, fallSigmas },
    requestClumping: setting.requestClumping,
    downAfterMs: setting.downAfterMs,
    downMarginServers: setting.downMarginServers,
    fadeShare: setting.fadeShare,
  };
}
