/**
 * The controller: one pure step from (state, observation, now) to (state, decisions).
 *
 * Each step learns (boot time, rate per server, arrivals), recommends servers in fractions, and
 * turns recommendations into targets: up at once, down only to the highest recommendation of the
 * last minute, within scheduled floors, the measured useful maximum (more servers did not help),
 * and the tier's own bounds.
 *
 * The target is compared with what is there (ready and booting), so a server that died is simply
 * ordered again, and a decision that was not carried out is decided again. Never: fewer than the
 * minimum, more than the maximum, a tier touched that could not be observed, a step that reads a
 * clock.
 */
import { expectedBootMs } from './boot-time.ts';
import { agreedRate } from './count-history.ts';
import { desiredServers } from './desired-servers.ts';
import { desiredWorkers, type Recommendation } from './desired-workers.ts';
import { seconds } from './format-figure.ts';
import {
  type FleetObservation,
  type ScalingObservation,
  type ServerTier,
  serverTiers,
  type TierName,
  type WorkerObservation,
} from './scaling-observation.ts';
import { learnFrom, type ScalingState } from './scaling-state.ts';
import type { ScalingTunables } from './scaling-tunables.ts';
import { floorAt, type ScheduledFloor } from './scheduled-floor.ts';
import { perSecond } from './service-rate.ts';
import { highestRecommendation, recordRecommendation } from './stabilization-window.ts';
import type { TierMemory } from './tier-memory.ts';

export interface ScalingDecision {
  readonly tier: TierName;
  /** Servers that are there now, ready or booting. */
  readonly from: number;
  readonly to: number;
  readonly why: string;
}

export interface ScalingStep {
  readonly state: ScalingState;
  readonly decisions: readonly ScalingDecision[];
}

/** A scheduled floor is ordered this much earlier than the slowest boot we know would need. */
const floorLeadFactor = 1.25;

/** Keeps an arithmetic 3.0000000001 from becoming a fourth server. */
const roundingSlack = 1e-6;

/** Decides for all tiers. `now` in milliseconds, on the clock that the floors are written in. */
export function stepScaling(
  before: ScalingState,
  observation: ScalingObservation,
  floors: readonly ScheduledFloor[],
  tunables: ScalingTunables,
  now: number,
): ScalingStep {
  const learned = learnFrom(before, observation, tunables, now);
  const tiers: Record<TierName, TierMemory> = { ...learned.tiers };
  const decisions: ScalingDecision[] = [];
  const settle = (tier: TierName, fleet: FleetObservation, recommendation: Recommendation) => {
    const recommendations = recordRecommendation(
      tiers[tier].recommendations,
      recommendation.servers,
      now,
      tunables.downAfterMs,
    );
    tiers[tier] = { ...tiers[tier], recommendations };
    const from = fleet.ready + fleet.booting;
    const { target, why } = boundTarget(
      tier,
      from,
      recommendation,
      { ...learned, tiers },
      floors,
      tunables,
    );
    if (target !== from) decisions.push({ tier, from, to: target, why });
  };
  for (const tier of serverTiers) {
    const seen = observation[tier];
    if (seen !== null) settle(tier, seen, recommendServers(learned, tier, seen, tunables, now));
  }
  if (observation.worker !== null) {
    settle(
      'worker',
      observation.worker,
      recommendWorkers(learned, observation.worker, tunables, now),
    );
  }
  return { state: { ...learned, tiers }, decisions };
}

function recommendServers(
  state: ScalingState,
  tier: ServerTier,
  seen: FleetObservation,
  tunables: ScalingTunables,
  now: number,
): Recommendation {
  const own = tunables.servers[tier];
  const memory = state.tiers[tier];
  const demand = {
    requestsPerSecond: arrivalRate(state, tier, tunables, now),
    readyServers: seen.ready,
    requestsPerBusySecond: perSecond(memory.rate),
    utilization: memory.utilization,
  };
  return desiredServers(demand, own);
}

function arrivalRate(
  state: ScalingState,
  tier: TierName,
  { requestClumping, rate }: ScalingTunables,
  now: number,
): number {
  return agreedRate(state.tiers[tier].arrivals, requestClumping, now, rate);
}

function recommendWorkers(
  state: ScalingState,
  seen: WorkerObservation,
  tunables: ScalingTunables,
  now: number,
): Recommendation {
  const demand = {
    arrivalsPerSecond: arrivalRate(state, 'worker', tunables, now),
    backlog: seen.backlog,
    oldestAgeMs: seen.oldestAgeMs,
    readyWorkers: seen.ready,
    ratePerWorker: perSecond(state.tiers.worker.rate),
    bootMs: expectedBootMs(state.tiers.worker.boot, tunables.worker.bootMsInitial),
    busyShare: seen.busyShare,
  };
  return desiredWorkers(demand, tunables.worker);
}

/**
 * From the highest recommendation of the last while to a whole number within everything that bounds
 * it.
 */
function boundTarget(
  tier: TierName,
  from: number,
  recommendation: Recommendation,
  state: ScalingState,
  floors: readonly ScheduledFloor[],
  tunables: ScalingTunables,
): { readonly target: number; readonly why: string } {
  const bounds = tier === 'worker' ? tunables.worker : tunables.servers[tier];
  const memory = state.tiers[tier];
  const now = state.observedAt ?? 0;
  const { downAfterMs, fadeShare } = tunables;
  const highest = highestRecommendation(memory.recommendations, now, downAfterMs, fadeShare);
  let target = holdTarget(highest, from, tunables.downMarginServers);
  const reasons = [recommendation.why];
  if (target > Math.ceil(recommendation.servers)) {
    reasons.push(`${target} was needed within the last ${seconds(tunables.downAfterMs)}`);
  }
  const limit = tier === 'worker' ? state.workerLimit.limit : null;
  if (limit !== null && limit.servers < target) {
    target = limit.servers;
    reasons.push(`more than ${limit.servers} stopped helping`);
  }
  const bootMs = expectedBootMs(memory.boot, bounds.bootMsInitial);
  const floor = floorAt(floors, tier, now, bootMs * floorLeadFactor);
  if (floor !== null && floor.servers > target) {
    target = floor.servers;
    reasons.push(`${floor.name} asks for at least ${floor.servers}`);
  }
  if (target < bounds.serversMin) target = bounds.serversMin;
  if (target > bounds.serversMax) {
    reasons.push(`${target} would help but ${bounds.serversMax} is the most allowed`);
    target = bounds.serversMax;
  }
  return { target, why: `${tier} ${from} → ${target}: ${reasons.join('; ')}` };
}

function holdTarget(highest: number, from: number, downMargin: number): number {
  const up = Math.ceil(highest - roundingSlack);
  if (up >= from) return up;
  return Math.min(from, Math.ceil(highest + downMargin - roundingSlack));
}
