/** What every contestant of the simulation is: a look at the shop now and then, and two numbers. */

export interface FleetSize {
  readonly gateways: number;
  readonly workers: number;
}

export interface TierView {
  readonly ready: number;
  readonly booting: number;
  /** Requests that wait for a server of this tier. */
  readonly waiting: number;
  readonly oldestAgeMs: number;
  /** Counters since the start. */
  readonly arrivedTotal: number;
  readonly doneTotal: number;
  readonly droppedTotal: number;
  readonly busyMsTotal: number;
  /** Durations of the boots that ended since the last look. */
  readonly bootsMs: readonly number[];
  /** How many ready servers have had nothing to do for at least this long. */
  idleFor(ms: number): number;
}

export interface ShopView {
  readonly gateway: TierView;
  readonly worker: TierView;
  readonly visitsTotal: number;
}

export interface FleetPolicy {
  readonly name: string;
  /** How often it looks. The first look is at 0 ms. */
  readonly periodMs: number;
  decide(view: ShopView, now: number): FleetSize;
}
