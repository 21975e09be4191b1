/**
 * Carries the scaling policy out: looks at the tiers, lets the pure step decide, starts and drains.
 *
 * One look at a time. A decision is compared with the fleet as it is when it is carried out, so a
 * look that was slow never starts a second server for the same reason. Draining takes the youngest,
 * and never the last. What cannot be observed is left alone; a look that fails as a whole scales
 * nothing and the next one comes as usual.
 *
 * There is one scaler at a time for a home, because there is one supervisor: the home's lock.
 */
import type { Log } from '../../kit/log.ts';
import { stepScaling } from '../../scaling/scaling-controller.ts';
import type { ScalingObservation, TierName } from '../../scaling/scaling-observation.ts';
import { initialScalingState } from '../../scaling/scaling-state.ts';
import type { ScalingTunables } from '../../scaling/scaling-tunables.ts';
import type { ScheduledFloor } from '../../scaling/scheduled-floor.ts';
import { untilNextMs } from './shared-beat.ts';

const busyTickMs = 250;
const idleTickMs = 500;
const decisionsKept = 200;
/** A new spare boots when the rush that took the last one had this long for itself. */
const spareAfterMs = 3_000;
/**
 * And all the others when the fleet was at its smallest for so long, each while the machine has
 * this much to spare: they are for a crowd that has not come yet.
 */
const sparesAfterMs = 2_000;
const idleShareMin = 0.5;

export interface ScalableFleet {
  count(role: string): number;
  /** Ids of all that `count` counts, the youngest first. */
  youngestFirst(role: string): readonly string[];
  start(role: string): Promise<string>;
  /** Takes it out of service; its process becomes a spare where there are fewer than so many. */
  release(id: string, sparesMax: number): Promise<void>;
  spares(role: string): number;
  /** Boots one more spare, where there are fewer than so many; `start` takes spares first. */
  park(role: string, spares: number): void;
}

export interface Looker {
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
  readonly looker: Looker;
  readonly floors: () => readonly ScheduledFloor[];
  readonly tunables: ScalingTunables;
  readonly log: Log;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Spare workers that are kept, so that the first more are there at once. */
  readonly spareWorkers: number;
  /** Share of all processors that did nothing since it was asked last. */
  readonly idleShare: () => number;
}

export class Scaler {
  readonly #options: ScalerOptions;
  readonly #decisions: TakenDecision[] = [];
  #state;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;
  #isLost = false;
  #startedAt = Number.NEGATIVE_INFINITY;
  /** Since when there is no more than the smallest fleet of workers. */
  #calmSince: number | null = null;

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
        this.#timer = setTimeout(tick, untilNextMs(busy ? busyTickMs : idleTickMs));
    };
    this.#timer = setTimeout(tick, idleTickMs);
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** One look and what follows from it. True while there is something to watch closely. */
  async step(): Promise<boolean> {
    const { looker, floors, tunables, now, log } = this.#options;
    let observation: ScalingObservation;
    try {
      observation = await looker.observe(now());
      this.#isLost = false;
    } catch (error) {
      if (!this.#isLost) log.warn({ err: error }, 'the tiers could not be looked at');
      this.#isLost = true;
      return false;
    }
    if (this.#closed) return false;
    const step = stepScaling(this.#state, observation, floors(), tunables, now());
    this.#state = step.state;
    for (const { tier, to, why } of step.decisions) this.#carryOut(tier, to, why);
    this.#parkSpares();
    const { worker } = observation;
    // A tier that cannot be seen may be in the middle of a rush.
    return worker === null || worker.backlog > 0 || worker.ready + worker.booting > 1;
  }

  /** One spare soon, for whoever dies; the others, for a crowd, when there is none. */
  #parkSpares(): void {
    const { fleet, now, spareWorkers, tunables, idleShare } = this.#options;
    const isSmallest = fleet.count('worker') <= tunables.worker.serversMin;
    this.#calmSince = isSmallest ? (this.#calmSince ?? now()) : null;
    if (fleet.spares('worker') >= spareWorkers) return;
    const idle = idleShare();
    if (now() - this.#startedAt < spareAfterMs) return;
    const isCalm = this.#calmSince !== null && now() - this.#calmSince >= sparesAfterMs;
    fleet.park('worker', isCalm && idle >= idleShareMin ? spareWorkers : 1);
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
    const { fleet, looker, log, now } = this.#options;
    const decidedAt = now();
    this.#startedAt = decidedAt;
    fleet.start(tier).then(
      (id) => {
        const tookMs = now() - decidedAt;
        log.info({ service: id, tookMs }, 'is ready, from the decision on');
        looker.bootEnded(tier, tookMs);
      },
      (error) => log.warn({ err: error, tier }, 'could not be started'),
    );
  }

  #drainYoungest(tier: TierName, count: number): void {
    const { fleet, log, spareWorkers } = this.#options;
    const spares = tier === 'worker' ? spareWorkers : 0;
    const youngest = fleet.youngestFirst(tier);
    for (const id of youngest.slice(0, Math.min(count, youngest.length - 1))) {
      fleet
        .release(id, spares)
        .catch((error) => log.warn({ err: error, id }, 'could not be taken out'));
    }
  }
}
