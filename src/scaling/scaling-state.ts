/** What the controller knows between two steps, and how an observation adds to it. Plain data. */
import { type CountHistory, emptyCountHistory, recordCount } from './count-history.ts';
import { type HelpfulLimit, noHelpfulLimit, recordThroughput } from './helpful-limit.ts';
import { initialRatio, type LearnedRatio, recordRatio } from './learned-ratio.ts';
import {
  type ScalingObservation,
  type ServerObservation,
  serverTiers,
  type TierName,
} from './scaling-observation.ts';
import type { ScalingTunables } from './scaling-tunables.ts';
import { blankTierMemory, learn, type TierMemory } from './tier-memory.ts';

export interface ScalingState {
  readonly observedAt: number | null;
  readonly tiers: Readonly<Record<TierName, TierMemory>>;
  readonly visits: VisitMemory;
  /** The share of gateway requests that become work for the workers. */
  readonly workerShare: LearnedRatio;
  readonly workerLimit: HelpfulLimit;
}

export interface VisitMemory {
  readonly arrivals: CountHistory;
  readonly requestsPerVisit: LearnedRatio;
  readonly refusedReading: number;
  readonly refusedAt: number | null;
}

/** An initial ratio is worth this part of the memory, so that counting soon outweighs it. */
const initialRatioTrust = 0.1;

export function initialScalingState(tunables: ScalingTunables): ScalingState {
  const { servers, worker, requestsPerVisitInitial, visitMemory } = tunables;
  const blank = (ratePerServer: number): TierMemory =>
    blankTierMemory(ratePerServer, tunables.initialRateTrustMs);
  const shareTrust = tunables.shareMemoryRequests * initialRatioTrust;
  return {
    observedAt: null,
    tiers: {
      worker: blank(worker.ratePerServerInitial),
      gateway: blank(servers.gateway.ratePerServerInitial),
      storefront: blank(servers.storefront.ratePerServerInitial),
      catalog: blank(servers.catalog.ratePerServerInitial),
    },
    visits: {
      arrivals: emptyCountHistory,
      requestsPerVisit: initialRatio(requestsPerVisitInitial, visitMemory * initialRatioTrust),
      refusedReading: 0,
      refusedAt: null,
    },
    workerShare: initialRatio(tunables.workerShareInitial, shareTrust),
    workerLimit: noHelpfulLimit,
  };
}

/** Takes one observation in. Tiers that could not be observed keep what was known. */
export function learnFrom(
  before: ScalingState,
  observation: ScalingObservation,
  tunables: ScalingTunables,
  now: number,
): ScalingState {
  const elapsedMs = before.observedAt === null ? null : now - before.observedAt;
  const keepMs = historyMs(tunables);
  const learning = { ...tunables, keepMs };
  const tiers: Record<TierName, TierMemory> = { ...before.tiers };
  for (const tier of serverTiers) {
    const seen = observation[tier];
    if (seen !== null) tiers[tier] = learn(tiers[tier], seen, null, elapsedMs, now, learning);
  }
  const { worker, gateway } = observation;
  let { workerLimit, workerShare, visits } = before;
  if (worker !== null) {
    const { batchFullness } = worker;
    tiers.worker = learn(tiers.worker, worker, batchFullness, elapsedMs, now, learning);
    const saturated = worker.ready > 0 && worker.backlog >= worker.ready;
    const seen = { servers: worker.ready, saturated, doneTotal: worker.doneTotal };
    workerLimit = recordThroughput(workerLimit, seen, now, tunables.worker);
  }
  if (worker !== null && gateway !== null && elapsedMs !== null) {
    const passed = tiers.worker.arrivedSince;
    const answered = tiers.gateway.doneSince;
    workerShare = recordRatio(workerShare, passed, answered, tunables.shareMemoryRequests);
  }
  if (gateway !== null) {
    visits = learnVisits(visits, gateway, tiers.gateway.arrivedSince, tunables, now);
  }
  return { observedAt: now, tiers, visits, workerShare, workerLimit };
}

function learnVisits(
  known: VisitMemory,
  gateway: ServerObservation,
  requests: number,
  tunables: ScalingTunables,
  now: number,
): VisitMemory {
  if (gateway.visitsTotal === null) return known;
  const keepMs = Math.max(tunables.visitMs, historyMs(tunables));
  const arrivals = recordCount(known.arrivals, gateway.visitsTotal, now, keepMs);
  const visits =
    (arrivals.samples.at(-1)?.total ?? 0) - (known.arrivals.samples.at(-1)?.total ?? 0);
  const refusing = gateway.refusedTotal > known.refusedReading;
  const refusedAt = refusing ? now : known.refusedAt;
  // Visitors who are turned away ask less than they would, and are missing for a while after.
  const blurred = refusedAt !== null && now - refusedAt < keepMs;
  const requestsPerVisit = blurred
    ? known.requestsPerVisit
    : recordRatio(known.requestsPerVisit, requests, visits, tunables.visitMemory);
  return { arrivals, requestsPerVisit, refusedReading: gateway.refusedTotal, refusedAt };
}

function historyMs(tunables: ScalingTunables): number {
  return Math.max(...tunables.rate.windowsMs);
}
