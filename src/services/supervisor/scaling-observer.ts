/**
 * Observes the tiers for the scaling policy: how many processes there are, what they did, how busy
 * they were, what waits in the queue.
 *
 * Every process counts from its own start, so the work of a tier is summed up here, observation by
 * observation: a process that ends takes nothing away, a new one adds from its first answer on. A
 * process that did not answer adds nothing this time. A tier without any answer, or without the
 * queue's figures, is unknown (null), which is not the same as idle.
 *
 * An idle shop is observed twice a second for ever, so each observation asks little: a tier that
 * can neither grow nor shrink is never asked (null), and workers only where the queue says that
 * there was work (asking every process each time took 1 % of a core).
 */
import { request } from 'undici';
import { type QueueFigures, queueFigures } from '../../api/internal/orders-routes.ts';
import type { ServiceInstance } from '../../kit/cluster/directory.ts';
import type {
  FleetObservation,
  ScalingObservation,
  ServerTier,
  TierName,
  WorkerObservation,
} from '../../scaling/scaling-observation.ts';

const deadlineMs = 700;
/** Workers are asked until the queue was empty for this long, so that slow payments still count. */
const idleAfterMs = 2_000;
/** Without this answer there is no decision: late is better than again and again not at all. */
const queueDeadlineMs = 2_000;

/** What the policy needs to see of the fleet. */
export interface VisibleFleet {
  instances(role: string): readonly ServiceInstance[];
  /** Living, or about to be started (again). */
  count(role: string): number;
}

/** A process's own figures, counted from its start: the answer of GET /internal/load. */
export interface Load {
  /** Time in which the event loop was active. */
  readonly busyMs: number;
  readonly requests: number;
  /** Workers: time in which payments were in flight, as a share of what may be. */
  readonly paymentsBusyMs?: number;
  /** Workers: checkouts decided. */
  readonly done?: number;
}

export type Ask = <T>(
  instance: ServiceInstance,
  path: string,
  deadlineMs?: number,
) => Promise<T | null>;

/** Asks over HTTP; null where no good answer comes in time. `onAnswer` gets who answered at all. */
export function askOverHttp(
  internalToken: string,
  onAnswer: (instance: ServiceInstance) => void = () => {},
): Ask {
  const headers = { authorization: `Bearer ${internalToken}` };
  return async <T>(instance: ServiceInstance, path: string, msMax = deadlineMs) => {
    try {
      const signal = AbortSignal.timeout(msMax);
      const answer = await request(instance.url + path, { headers, signal });
      onAnswer(instance);
      if (answer.statusCode === 200) return (await answer.body.json()) as T;
      await answer.body.dump();
      return null;
    } catch {
      return null;
    }
  };
}

/** The queue's figures from any orders instance that is ready; null where none answers. */
export async function askQueue(
  ask: Ask,
  instances: readonly ServiceInstance[],
  msMax?: number,
): Promise<QueueFigures | null> {
  const instance = instances.find(({ role, state }) => role === 'orders' && state === 'ready');
  return instance === undefined ? null : ask<QueueFigures>(instance, queueFigures.path, msMax);
}

class TierCounts {
  readonly #last = new Map<number, Load>();
  #boots: number[] = [];
  busyMsTotal = 0;
  requestsTotal = 0;
  doneTotal = 0;
  /** What was the limit since the last observation: payments (true) or the event loop. */
  paymentsWereTheLimit = true;
  busyShare = 0;
  #observedAt: number | null = null;
  #wasIdle = false;

  bootEnded(ms: number): void {
    this.#boots.push(ms);
  }

  add(loads: ReadonlyMap<number, Load>, living: ReadonlySet<number>, now: number): void {
    let [loop, payments] = [0, 0];
    const before = this.busyMsTotal;
    for (const [pid, load] of loads) {
      const fresh = this.#wasIdle ? load : { busyMs: load.busyMs, requests: 0, done: 0 };
      const last = this.#last.get(pid) ?? fresh;
      this.#last.set(pid, load);
      const loopMs = Math.max(0, load.busyMs - last.busyMs);
      const paymentsMs = Math.max(0, (load.paymentsBusyMs ?? 0) - (last.paymentsBusyMs ?? 0));
      loop += loopMs;
      payments += paymentsMs;
      this.busyMsTotal += Math.max(loopMs, paymentsMs);
      this.requestsTotal += Math.max(0, load.requests - last.requests);
      this.doneTotal += Math.max(0, (load.done ?? 0) - (last.done ?? 0));
    }
    for (const pid of this.#last.keys()) if (!living.has(pid)) this.#last.delete(pid);
    this.#wasIdle = false;
    this.paymentsWereTheLimit = payments >= loop;
    const elapsedMs = this.#observedAt === null ? 0 : now - this.#observedAt;
    const possibleMs = elapsedMs * loads.size;
    this.busyShare = possibleMs <= 0 ? 0 : Math.min(1, (this.busyMsTotal - before) / possibleMs);
    this.#observedAt = now;
  }

  /**
   * Nothing to do since the last observation, so nobody was asked. What an event loop does in an
   * hour of that is no measure of its work: the next observation only begins to count again.
   */
  idle(now: number): void {
    this.#last.clear();
    this.#wasIdle = true;
    this.busyShare = 0;
    this.#observedAt = now;
  }

  observation(ready: number, booting: number): FleetObservation {
    const { busyMsTotal, requestsTotal } = this;
    const bootsMs = this.#boots;
    this.#boots = [];
    const done = { arrivedTotal: requestsTotal, doneTotal: requestsTotal };
    return { ready, booting, bootsMs, busyMsTotal, ...done };
  }
}

export class ScalingObserver {
  readonly #fleet: VisibleFleet;
  readonly #ask: Ask;
  readonly #fixed: ReadonlySet<ServerTier>;
  #head: number | null = null;
  #busyAt = Number.NEGATIVE_INFINITY;
  #isIdle = false;
  readonly #counts: Readonly<Record<TierName, TierCounts>> = {
    worker: new TierCounts(),
    gateway: new TierCounts(),
    storefront: new TierCounts(),
    catalog: new TierCounts(),
  };

  /** `fixed`: tiers that nobody can scale. */
  constructor(fleet: VisibleFleet, ask: Ask, fixed: readonly ServerTier[] = []) {
    this.#fleet = fleet;
    this.#ask = ask;
    this.#fixed = new Set(fixed);
  }

  /** From the decision to the moment when the new process could work. */
  bootEnded(tier: TierName, ms: number): void {
    this.#counts[tier].bootEnded(ms);
  }

  /** `now` in milliseconds on any clock that does not jump. */
  async observe(now: number): Promise<ScalingObservation> {
    const [worker, gateway, storefront, catalog] = await Promise.all([
      this.#worker(now),
      this.#server('gateway', now),
      this.#server('storefront', now),
      this.#server('catalog', now),
    ]);
    return { worker, gateway, storefront, catalog };
  }

  async #server(tier: ServerTier, now: number): Promise<FleetObservation | null> {
    return this.#fixed.has(tier) ? null : this.#read(tier, now);
  }

  async #worker(now: number): Promise<WorkerObservation | null> {
    // In a rush both are slow to answer, so they are asked together.
    const reading = this.#isIdle ? null : this.#read('worker', now);
    const queue = await askQueue(this.#ask, this.#fleet.instances('orders'), queueDeadlineMs);
    const isIdle = queue !== null && queue.depth === 0 && queue.head === this.#head;
    if (!isIdle) this.#busyAt = now;
    const isIdleNow = now - this.#busyAt >= idleAfterMs;
    const late = () => (isIdleNow ? this.#idle('worker', now) : this.#read('worker', now));
    const seen = await (reading ?? late());
    this.#isIdle = isIdleNow;
    if (queue === null) return null;
    this.#head = queue.head;
    if (seen === null) return null;
    const { doneTotal, paymentsWereTheLimit, busyShare } = this.#counts.worker;
    return {
      ...seen,
      doneTotal,
      arrivedTotal: queue.head + queue.depth - 1,
      backlog: queue.depth,
      oldestAgeMs: queue.oldestAgeSeconds * 1_000,
      // A payment fills its place however few there are; an event loop does better when busy.
      batchFullness: paymentsWereTheLimit ? 1 : busyShare,
      busyShare,
    };
  }

  /** The observation of a tier that had nothing to do. */
  #idle(tier: TierName, now: number): FleetObservation {
    const { ready, booting } = this.#sizeOf(tier);
    this.#counts[tier].idle(now);
    return this.#counts[tier].observation(ready.length, booting);
  }

  #sizeOf(tier: TierName): { ready: readonly ServiceInstance[]; booting: number } {
    const ready = this.#fleet.instances(tier).filter(({ state }) => state === 'ready');
    return { ready, booting: Math.max(0, this.#fleet.count(tier) - ready.length) };
  }

  async #read(tier: TierName, now: number): Promise<FleetObservation | null> {
    const { ready, booting } = this.#sizeOf(tier);
    const loads = new Map<number, Load>();
    const ask = async (instance: ServiceInstance): Promise<void> => {
      const load = await this.#ask<Load>(instance, '/internal/load');
      if (load !== null) loads.set(instance.pid, load);
    };
    await Promise.all(ready.map(ask));
    if (ready.length > 0 && loads.size === 0) return null;
    const counts = this.#counts[tier];
    counts.add(loads, new Set(ready.map(({ pid }) => pid)), now);
    return counts.observation(ready.length, booting);
  }
}
