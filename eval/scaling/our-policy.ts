/** The shop's own controller, the same code that the supervisor runs, as a contestant. */

import { stepScaling } from '../../src/scaling/scaling-controller.ts';
import type { ScalingObservation } from '../../src/scaling/scaling-observation.ts';
import { initialScalingState } from '../../src/scaling/scaling-state.ts';
import {
  defaultScalingTunables,
  type ScalingTunables,
  type TierTunables,
  type WorkerTunables,
} from '../../src/scaling/scaling-tunables.ts';
import type { ScheduledFloor } from '../../src/scaling/scheduled-floor.ts';
import type { FleetPolicy, FleetSize, ShopView, TierView } from './fleet-policy.ts';
import { bootMs } from './shop-simulation.ts';
import type { AnnouncedSale } from './workload.ts';

/**
 * The simulated shop differs from the processes of one machine: it has more machines, servers
 * that do one thing at a time and may be busy all the time, and deadlines so short that a backlog
 * does not live until a new server is ready. Chosen on the tuning seeds.
 */
export const simulatedShopTunables: ScalingTunables = {
  ...defaultScalingTunables,
  worker: {
    ...defaultScalingTunables.worker,
    serversMax: 200,
    bootMsInitial: bootMs,
    ratePerServerInitial: 4,
    spareSigmas: 0.2,
    spareServers: 1,
    allowedWaitMs: 250,
    drainMs: 4000,
    ageAlarmMs: 400,
  },
  servers: {
    ...defaultScalingTunables.servers,
    gateway: {
      ...defaultScalingTunables.servers.gateway,
      serversMax: 100,
      bootMsInitial: bootMs,
      ratePerServerInitial: 16,
      spareSigmas: 0.8,
      spareServers: 0.1,
      utilizationTarget: 1,
      // The simulated line in front of a gateway is counted: a full one hides nothing.
      utilizationFull: Number.POSITIVE_INFINITY,
    },
  },
  rate: {
    windowsMs: [1000, 2000, 4000, 8000, 16_000, 32_000],
    riseSigmas: 1.5,
    fallSigmas: 1,
  },
  requestClumping: 1,
  // A tenth of a second is half a request here.
  initialRateTrustMs: 1000,
  downAfterMs: 15_000,
  downMarginServers: 0,
  fadeShare: 0.3,
};

/** What the owner knows of the visitors: 1 to 10 pages and a purchase, and how long they stay. */
const requestsPerVisit = 6.5;
const visitMs = 20_000;

const floorStepMs = 2_500;

type Spare = Pick<WorkerTunables, 'spareSigmas' | 'spareServers'>;

/**
 * What the shop's owner would schedule for an announced sale: enough for the expected visitors,
 * by the same arithmetic, from the moment the doors open until the crowd itself can be measured. In
 * steps, because whoever has come goes on asking: the requests grow for as long as a visit lasts.
 */
export function announcedFloors(
  sale: AnnouncedSale | null,
  tunables: ScalingTunables,
): readonly ScheduledFloor[] {
  if (sale === null) return [];
  const { worker, servers } = tunables;
  const steps = Math.ceil(visitMs / floorStepMs);
  return Array.from({ length: steps }, (_, step) => {
    const openMs = step * floorStepMs;
    const requests = requestsSoFar(sale.visitsPerSecond, openMs + floorStepMs);
    const enough = (own: TierTunables & Spare) => {
      const expected = requests + own.spareSigmas * Math.sqrt(requests);
      return Math.ceil(expected / own.ratePerServerInitial + own.spareServers);
    };
    const startsAt = sale.startsAtMs + openMs;
    const times = { startsAt, endsAt: sale.endsAtMs, name: 'the announced sale' };
    return [
      { tier: 'worker', servers: enough(worker), ...times },
      { tier: 'gateway', servers: enough(servers.gateway), ...times },
    ];
  }).flat();
}

/**
 * Requests per second of a steady crowd, so long after its first visitor. A visitor asks most at
 * the beginning of a visit and nothing after its end: a falling straight line.
 */
function requestsSoFar(arrivingPerSecond: number, sinceMs: number): number {
  const within = Math.min(sinceMs, visitMs);
  const share = (2 * within - (within * within) / visitMs) / visitMs;
  return arrivingPerSecond * requestsPerVisit * share;
}

export function ourPolicy(
  tunables: ScalingTunables,
  floors: readonly ScheduledFloor[],
): FleetPolicy {
  let state = initialScalingState(tunables);
  const decide = (view: ShopView, now: number): FleetSize => {
    const step = stepScaling(state, observe(view), floors, tunables, now);
    state = step.state;
    const target = { gateway: fleetOf(view.gateway), worker: fleetOf(view.worker) };
    for (const decision of step.decisions) {
      if (decision.tier === 'gateway') target.gateway = decision.to;
      if (decision.tier === 'worker') target.worker = decision.to;
    }
    return { gateways: target.gateway, workers: target.worker };
  };
  return { name: 'doorbuster', periodMs: 250, decide };
}

function fleetOf(tier: TierView): number {
  return tier.ready + tier.booting;
}

function observe(view: ShopView): ScalingObservation {
  const { gateway, worker } = view;
  const fleet = (tier: TierView) => ({
    ready: tier.ready,
    booting: tier.booting,
    bootsMs: tier.bootsMs,
    busyMsTotal: tier.busyMsTotal,
    arrivedTotal: tier.arrivedTotal,
    doneTotal: tier.doneTotal,
  });
  return {
    gateway: fleet(gateway),
    worker: {
      ...fleet(worker),
      backlog: worker.waiting,
      oldestAgeMs: worker.oldestAgeMs,
      batchFullness: 1,
      busyShare: 1, // whoever has a line works on it
    },
    storefront: null,
    catalog: null,
  };
}
