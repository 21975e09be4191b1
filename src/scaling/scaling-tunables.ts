import type { RateTunables } from './count-history.ts';
import type { ServerSizeTunables } from './desired-servers.ts';
import type { WorkerSizeTunables } from './desired-workers.ts';
import type { HelpfulLimitTunables } from './helpful-limit.ts';
import type { ServerTier } from './scaling-observation.ts';

export interface TierTunables {
  /** Never fewer than this. At least 1. */
  readonly serversMin: number;
  /** Never more than this: what the machine's cores and memory carry. */
  readonly serversMax: number;
  /** Assumed until a boot was observed. */
  readonly bootMsInitial: number;
  /** Assumed until work was measured: per second of work of one server. */
  readonly ratePerServerInitial: number;
}

export type WorkerTunables = TierTunables & WorkerSizeTunables & HelpfulLimitTunables;
export type ServerTunables = TierTunables & ServerSizeTunables;

export interface ScalingTunables {
  readonly worker: WorkerTunables;
  readonly servers: Readonly<Record<ServerTier, ServerTunables>>;
  readonly rate: RateTunables;
  /** By how much the variance of request counts exceeds that of independent arrivals. */
  readonly requestClumping: number;
  /** Down only to the highest recommendation within this. */
  readonly downAfterMs: number;
  /** The part of itself that such a recommendation has lost by then, 0 to 1. */
  readonly fadeShare: number;
  /** Down only when this part of a server would be left over, so that noise does not swing us. */
  readonly downMarginServers: number;
  /** Working time that the initial rates are worth: as much of measuring outweighs them. */
  readonly initialRateTrustMs: number;
  /** Working time after which an old measurement of a server's rate has faded. */
  readonly rateMemoryBusyMs: number;
  /** Time over which an event loop's utilisation is smoothed. */
  readonly utilizationSmoothingMs: number;
}

const serverDefaults: ServerTunables = {
  serversMin: 1,
  serversMax: 8,
  bootMsInitial: 1000,
  ratePerServerInitial: 1500,
  spareSigmas: 0.5,
  spareServers: 0,
  utilizationTarget: 0.7,
  utilizationFull: 0.95,
};

/** For the processes of one machine. What the simulator changes is in `eval/scaling`. */
export const defaultScalingTunables: ScalingTunables = {
  worker: {
    serversMin: 1,
    serversMax: 8,
    bootMsInitial: 1000,
    ratePerServerInitial: 200,
    spareSigmas: 0.5,
    spareServers: 0,
    allowedWaitMs: 250,
    drainMs: 2000,
    ageAlarmMs: 2000,
    workingShareMin: 0.5,
    measureMs: 2000,
    rememberMs: 30_000,
    usefulShareMin: 0.6,
    limitHoldMs: 120_000,
  },
  servers: {
    gateway: serverDefaults,
    storefront: { ...serverDefaults, ratePerServerInitial: 300 },
    catalog: serverDefaults,
  },
  rate: {
    windowsMs: [1000, 2000, 4000, 8000, 16_000, 30_000],
    riseSigmas: 2.5,
    fallSigmas: 1.5,
  },
  requestClumping: 3,
  downAfterMs: 60_000,
  fadeShare: 0,
  downMarginServers: 0.1,
  initialRateTrustMs: 100,
  rateMemoryBusyMs: 20_000,
  utilizationSmoothingMs: 4000,
};
