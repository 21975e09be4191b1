/**
 * Carries the scaling policy out: observes the tiers, lets the pure step decide, starts and drains.
 *
 * One observation at a time. A decision is compared with the fleet as it is when it is carried out,
 * so a slow observation never starts a second server for the same reason. Draining takes the
 * youngest, and never the last. A tier that cannot be observed stays as it is; an observation that
 * fails as a whole scales nothing, and the next one comes as usual.
 *
 * There is one scaler at a time for a home, because there is one supervisor: the home's lock.
 */
import type { Log } from '../../kit/log.ts';
import { stepScaling } from '../../scaling/scaling-controller.ts';
import type { ScalingObservation, TierName } from '../../scaling/scaling-observation.ts';
import { initialScalingState } from '../../scaling/scaling-state.ts';
import type { ScalingTunables } from '../../scaling/scaling-tunables.ts';
import type { ScheduledFloor } from '../../scaling/scheduled-floor.ts';
import { untilNextTickMs } from './aligned-timer.ts';

const busyTickMs = 250;
const idleTickMs = 500;
const decisionsKept = 200;
/** A new spare boots when the rush that took the last one had this long for itself. */
const spareAfterMs = 3_000;

export interface ScalableFleet {
  count(role: string): number;
  /** Ids of all that `count` counts, the youngest first. */
  youngestFirst(role: string): readonly string[];
  start(role: string): Promise<string>;
  /** Takes it out of service in order. */
  drain(id: string): Promise<void>;
  /** Boots a spare, unless there is one; `start` takes it first. */
  park(role: string): void;
}

export interface TierObserver {
  observe(now: number): Promise<ScalingObservation>;
  bootEnded(tier: TierName, ms: number): void;
}

export interface TakenDecision {
  readonly at: string;
  readonly tier: string;
  readonly from: number;
  readonly to: number;
  readonly why: string;
}

export interface ScalerOptions {
  readonly fleet: ScalableFleet;
  readonly observer: TierObserver;
  readonly floors: () => readonly ScheduledFloor[];
  readonly tunables: ScalingTunables;
  readonly log: Log;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

export class Scaler {
  readonly #options: ScalerOptions;
  readonly #decisions: TakenDecision[] = [];
  #state;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;
  #isLost = false;
  #startedAt = Number.NEGATIVE_INFINITY;

  constructor(options: ScalerOptions) {
    this.#options = options;
    this.#state = initialScalingState(options.tunables);
  }

  /** The latest decisions, newest last. */
  get decisions(): readonly TakenDecision[] {
    return this.#decisions;
  }

  start(): void {
    const tick = async (): Promise<void> => {
      const busy = await this.step();
      if (!this.#closed)
        this.#timer = setTimeout(tick, untilNextTickMs(busy ? busyTickMs : idleTickMs));
    };
    this.#timer = setTimeout(tick, idleTickMs);
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** One observation and what follows from it. True while work waits or several workers run. */
  async step(): Promise<boolean> {
    const { observer, floors, tunables, now, log } = this.#options;
    let observation: ScalingObservation;
    try {
      observation = await observer.observe(now());
      this.#isLost = false;
    } catch (error) {
      if (!this.#isLost) log.warn({ err: error }, 'the tiers could not be observed');
      this.#isLost = true;
      return false;
    }
    if (this.#closed) return false;
    const step = stepScaling(this.#state, observation, floors(), tunables, now());
    this.#state = step.state;
    for (const { tier, to, why } of step.decisions) this.#carryOut(tier, to, why);
    this.#parkSpare();
    const { worker } = observation;
    // Workers that could not be observed may be in the middle of a rush.
    return worker === null || worker.backlog > 0 || worker.ready + worker.booting > 1;
  }

  /** One spare takes over for whoever dies; a new one boots once the rush had its time. */
  #parkSpare(): void {
    const { fleet, now } = this.#options;
    if (now() - this.#startedAt >= spareAfterMs) fleet.park('worker');
  }

  #carryOut(tier: TierName, to: number, why: string): void {
    const { fleet, log, now } = this.#options;
    const from = fleet.count(tier);
    const wanted = Math.max(1, to);
    if (wanted === from) return;
    this.#decisions.push({ at: new Date(now()).toISOString(), tier, from, to: wanted, why });
    if (this.#decisions.length > decisionsKept) this.#decisions.shift();
    log.info({ tier, from, to: wanted }, why);
    for (let more = from; more < wanted; more += 1) this.#startOne(tier);
    if (wanted < from) this.#drainYoungest(tier, from - wanted);
  }

  #startOne(tier: TierName): void {
    const { fleet, observer, log, now } = this.#options;
    const decidedAt = now();
    this.#startedAt = decidedAt;
    fleet.start(tier).then(
      (id) => {
        const tookMs = now() - decidedAt;
        log.info({ service: id, tookMs }, 'is ready, from the decision on');
        observer.bootEnded(tier, tookMs);
      },
      (error) => log.warn({ err: error, tier }, 'could not be started'),
    );
  }

  #drainYoungest(tier: TierName, count: number): void {
    const { fleet, log } = this.#options;
    const youngest = fleet.youngestFirst(tier);
    for (const id of youngest.slice(0, Math.min(count, youngest.length - 1))) {
      fleet.drain(id).catch((error) => log.warn({ err: error, id }, 'could not be taken out'));
    }
  }
}
