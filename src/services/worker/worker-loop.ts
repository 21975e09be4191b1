/**
 * The worker: claims what waits, runs batches side by side, and carries out what follows from
 * decisions.
 *
 * Modes: *working* (claim again as soon as a slot is free; while the processors are full, when a
 * batch has gathered: claim-pace.ts), *idle* (nothing waits: sleep until an orders service notifies
 * of work or `idlePollMs` passed), *probing* (the payment provider is down: few are claimed, since
 * more would only hold stock that cannot be paid), *stopping* (no claim; open batches finish,
 * slow ones are given back).
 */
import { Batch } from './batch.ts';
import { ClaimPace, gatherCount } from './claim-pace.ts';
import { FollowUps } from './follow-ups.ts';
import { PaymentScheduler } from './payment-scheduler.ts';
import type { WorkerLimits, WorkerPorts } from './ports.ts';

/**
 * A worker claims what it can pay within this. With more, checkouts would wait here while other
 * workers are free; with less, payments would pause between two claims.
 */
const heldMsMax = 400;
/** A claim for a smaller share of that costs more in statements than it saves in waiting. */
const claimShareMin = 1 / 3;

/** Share of the payments in flight that may be repeated requests for unanswered payments. */
const retryShareMax = 1 / 8;

/** The batch grows with the backlog before the number of workers does: a full claim doubles it. */
export function nextBatchLimit(limit: number, claimed: number, limits: WorkerLimits): number {
  if (claimed >= limit) return Math.min(limits.batchMax, limit * 2);
  if (claimed < limit / 4) return Math.max(limits.batchMin, Math.floor(limit / 2));
  return limit;
}

export class WorkerLoop {
  readonly #ports: WorkerPorts;
  readonly #limits: WorkerLimits;
  readonly #payments: PaymentScheduler;
  readonly #pace: ClaimPace;
  readonly #followUps: FollowUps;
  readonly #batches = new Set<Batch>();
  #batchLimit: number;
  #stopping = false;
  #wake: () => void = () => {};
  #notified = false;
  #done: Promise<unknown> = Promise.resolve();

  constructor(ports: WorkerPorts, limits: WorkerLimits) {
    this.#ports = ports;
    this.#limits = limits;
    this.#payments = new PaymentScheduler(ports, limits);
    this.#pace = new ClaimPace(() => ports.processorsAreFull());
    this.#followUps = new FollowUps(ports, limits.idlePollMs);
    this.#batchLimit = limits.batchMin;
  }

  get paymentsInFlight(): number {
    return this.#payments.inFlight;
  }

  get paymentsBusyMs(): number {
    return this.#payments.busyMs;
  }

  get checkoutsHeld(): number {
    let held = 0;
    for (const batch of this.#batches) held += batch.openCount;
    return held;
  }

  get #retriesHeld(): number {
    let held = 0;
    for (const batch of this.#batches) held += batch.retryCount;
    return held;
  }

  get #retriesMax(): number {
    return Math.max(1, Math.floor(this.#limits.paymentsInFlightMax * retryShareMax));
  }

  /** Number of batches that use the databases; those that only wait for payments do not count. */
  get #flowing(): number {
    let count = 0;
    for (const batch of this.#batches) if (!batch.isWaitingForPayments) count += 1;
    return count;
  }

  start(): void {
    this.#done = Promise.all([
      this.#claimForever(),
      this.#followUps.runUntil(() => this.#stopping),
    ]);
  }

  /** Work may be waiting: `arrived` checkouts more than were notified before. */
  notify(arrived = 0): void {
    this.#pace.arrived(arrived);
    this.#notified = true;
    this.#wake();
  }

  /** Finishes open batches for up to `drainMs`, then gives back what is left. */
  async stop(drainMs: number): Promise<void> {
    this.#stopping = true;
    this.notify();
    const { time } = this.#ports;
    const deadline = time.now() + drainMs;
    while (this.#batches.size > 0 && time.now() < deadline) await time.sleep(10);
    await Promise.all([...this.#batches].map((batch) => batch.abandon().catch(() => {})));
    await this.#done;
  }

  async #claimForever(): Promise<void> {
    while (!this.#stopping) {
      const full =
        this.#flowing >= this.#limits.batchesInFlightMax ||
        this.checkoutsHeld >= this.#limits.checkoutsHeldMax;
      if (full) {
        await this.#pause(this.#limits.idlePollMs);
        continue;
      }
      const capacity = this.#payments.capacity(heldMsMax);
      const room = capacity - (this.checkoutsHeld - this.#retriesHeld);
      if (room < Math.max(1, capacity * claimShareMin)) {
        await this.#pause(this.#payments.decideEveryMs);
        continue;
      }
      const gatherMs = capacity < gatherCount ? 0 : this.#pace.waitMs(this.#ports.time.now());
      if (gatherMs > 0) {
        await this.#pause(gatherMs);
        continue;
      }
      this.#notified = false;
      const claimed = await this.#claim(Math.min(room, this.#batchLimit));
      if (claimed === 0 && !this.#notified) await this.#pause(this.#limits.idlePollMs);
    }
  }

  /** Sleeps until notified, a batch ends, or `ms` passed. */
  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.#ports.time.schedule(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
    this.#wake = () => {};
  }

  /** Resolves to the number of claimed checkouts that have no unanswered payment. */
  async #claim(limit: number): Promise<number> {
    const { queue, time, newToken, report } = this.#ports;
    const token = newToken();
    const now = time.now();
    this.#pace.claiming();
    try {
      const { leaseMs } = this.#limits;
      const retriesMax = Math.max(0, this.#retriesMax - this.#retriesHeld);
      const claimed = await queue.claim({ token, limit, retriesMax, leaseMs, now });
      const fresh = claimed.filter(({ unanswered }) => unanswered === 0).length;
      this.#pace.claimed(fresh, limit, now);
      if (this.#stopping && claimed.length > 0) {
        const seqs = claimed.map((each) => each.seq);
        await queue.giveBack(token, seqs).catch(() => {}); // then their lease runs out
        return 0;
      }
      if (limit === this.#batchLimit || fresh < limit) {
        this.#batchLimit = nextBatchLimit(this.#batchLimit, fresh, this.#limits);
      }
      if (claimed.length > 0) {
        const onWaiting = () => this.notify();
        this.#run(new Batch(this.#ports, this.#limits, this.#payments, token, claimed, onWaiting));
      }
      return fresh;
    } catch (error) {
      if (!this.#ports.isTransient(error)) throw error;
      report('claim-failed', { error });
      await time.sleep(this.#limits.retryMs);
      return 0;
    }
  }

  #run(batch: Batch): void {
    this.#batches.add(batch);
    batch
      .run()
      .catch((error) => this.#ports.report('batch-failed', { error }))
      .finally(() => {
        this.#batches.delete(batch);
        this.notify();
      });
  }
}
