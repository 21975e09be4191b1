/**
 * What the controller gets at each step. Counters grow for ever and are summed over a tier's
 * processes; one that falls was reset by a restart and is taken as standing still. A tier that
 * could not be asked is null: the controller then leaves it as it is, because unknown is not zero.
 */

export type ServerTier = 'gateway' | 'storefront' | 'catalog';
export type TierName = ServerTier | 'worker';

export const serverTiers: readonly ServerTier[] = ['gateway', 'storefront', 'catalog'];

export interface FleetObservation {
  /** Processes that can work. Draining ones count nowhere. */
  readonly ready: number;
  readonly booting: number;
  /** How long the boots took that ended since the last observation, in milliseconds. */
  readonly bootsMs: readonly number[];
  /** Summed time in which the processes were working (event loop active, batch in hand). */
  readonly busyMsTotal: number;
  readonly arrivedTotal: number;
  readonly doneTotal: number;
}

export interface WorkerObservation extends FleetObservation {
  /** Checkouts that wait and are not claimed. */
  readonly backlog: number;
  /** Age of the oldest of them, 0 without any. */
  readonly oldestAgeMs: number;
  /** How full the batches were since the last observation, 0 to 1; 1 for one-by-one work. */
  readonly batchFullness: number;
  /** The share of time in which the ready workers worked since the last observation, 0 to 1. */
  readonly busyShare: number;
}

export interface ScalingObservation {
  readonly worker: WorkerObservation | null;
  readonly gateway: FleetObservation | null;
  readonly storefront: FleetObservation | null;
  readonly catalog: FleetObservation | null;
}
