/** What the controller knows between two steps, and how an observation adds to it. Plain data. */
import { type HelpfulLimit, noHelpfulLimit, recordThroughput } from './helpful-limit.ts';
import { type ScalingObservation, serverTiers, type TierName } from './scaling-observation.ts';
import type { ScalingTunables } from './scaling-tunables.ts';
import { blankTierMemory, learn, type TierMemory } from './tier-memory.ts';

export interface ScalingState {
  readonly observedAt: number | null;
  readonly tiers: Readonly<Record<TierName, TierMemory>>;
  readonly workerLimit: HelpfulLimit;
}

export function initialScalingState(tunables: ScalingTunables): ScalingState {
  const { servers, worker } = tunables;
  const blank = (ratePerServer: number): TierMemory =>
    blankTierMemory(ratePerServer, tunables.initialRateTrustMs);
  return {
    observedAt: null,
    tiers: {
      worker: blank(worker.ratePerServerInitial),
      gateway: blank(servers.gateway.ratePerServerInitial),
      storefront: blank(servers.storefront.ratePerServerInitial),
      catalog: blank(servers.catalog.ratePerServerInitial),
    },
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
  const keepMs = Math.max(...tunables.rate.windowsMs);
  const learning = { ...tunables, keepMs };
  const tiers: Record<TierName, TierMemory> = { ...before.tiers };
  for (const tier of serverTiers) {
    const seen = observation[tier];
    if (seen !== null) tiers[tier] = learn(tiers[tier], seen, null, elapsedMs, now, learning);
  }
  const { worker } = observation;
  let { workerLimit } = before;
  if (worker !== null) {
    const { batchFullness } = worker;
    tiers.worker = learn(tiers.worker, worker, batchFullness, elapsedMs, now, learning);
    const saturated = worker.ready > 0 && worker.backlog >= worker.ready;
    const seen = { servers: worker.ready, saturated, doneTotal: worker.doneTotal };
    workerLimit = recordThroughput(workerLimit, seen, now, tunables.worker);
  }
  return { observedAt: now, tiers, workerLimit };
}
