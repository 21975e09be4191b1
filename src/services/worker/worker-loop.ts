/**
 * The worker: claims what waits, runs batches side by side, and carries out what follows from
 * decisions.
 *
 * Modes: *working* (claim again as soon as a slot is free; while the processors are full, when a
 * batch has gathered: claim-pace.ts), *idle* (nothing waits: sleep until the
 * bell rings or `idlePollMs` passed), *resting* (the payment breaker is open: claiming would only
 * hold stock for purchases that cannot be paid), *stopping* (no claim; open batches finish, slow
 * ones are given back).
 */
import { Batch } from './batch.ts';
import { ClaimPace, company } from './claim-pace.ts';
import { FollowUps } from './follow-ups.ts';
import { PaymentDesk } from './payment-desk.ts';
import type { WorkerLimits, WorkerPorts } from './ports.ts';

/**
 * A worker holds what it can pay within this. More would lie in its line while other workers, and
 * those that are about to be started, have time; less would leave the line empty between claims.
 */
const heldMsMax = 400;
/** Claiming for a smaller part of that costs more statements than it saves waiting. */
const claimShareMin = 1 / 3;

/** The batch grows with the backlog before the number of workers does: a full claim doubles it. */
export function nextBatchLimit(limit: number, claimed: number, limits: WorkerLimits): number {
  if (claimed >= limit) return Math.min(limits.batchMax, limit * 2);
  if (claimed < limit / 4) return Math.max(limits.batchMin, Math.floor(limit / 2));
  return limit;
}

export class WorkerLoop {
  readonly #ports: WorkerPorts;
  readonly #limits: WorkerLimits;
  readonly #desk: PaymentDesk;
  readonly #pace: ClaimPace;
  readonly #followUps: FollowUps;
  readonly #batches = new Set<Batch>();
  #batchLimit: number;
  #stopping = false;
  #wake: () => void = () => {};
  #awake = false;
  #done: Promise<unknown> = Promise.resolve();

  constructor(ports: WorkerPorts, limits: WorkerLimits) {
    this.#ports = ports;
    this.#limits = limits;
    this.#desk = new PaymentDesk(ports, limits);
    this.#pace = new ClaimPace(() => ports.processorsAreFull());
    this.#followUps = new FollowUps(ports, limits.idlePollMs);
    this.#batchLimit = limits.batchMin;
  }

  get paymentsInFlight(): number {
    return this.#desk.inFlight;
  }

  get paymentsBusyMs(): number {
    return this.#desk.busyMs;
  }

  get checkoutsHeld(): number {
    let held = 0;
    for (const batch of this.#batches) held += batch.openCount;
    return held;
  }

  /** Batches on their way through the databases, those that only wait for payments left out. */
  get #flowing(): number {
    let count = 0;
    for (const batch of this.#batches) if (!batch.isLingering) count += 1;
    return count;
  }

  start(): void {
    this.#done = Promise.all([
      this.#claimForever(),
      this.#followUps.runUntil(() => this.#stopping),
    ]);
  }

  /** Work may be waiting; `arrived` checkouts more than were told of before. */
  ring(arrived = 0): void {
    this.#pace.arrived(arrived);
    this.#awake = true;
    this.#wake();
  }

  /** Finishes open batches for up to `drainMs`, then gives the rest back. */
  async stop(drainMs: number): Promise<void> {
    this.#stopping = true;
    this.ring();
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
      if (full || this.#desk.isResting()) {
        await this.#rest(this.#limits.idlePollMs);
        continue;
      }
      const carried = this.#desk.carries(heldMsMax);
      const room = carried - this.checkoutsHeld;
      if (room < Math.max(1, carried * claimShareMin)) {
        await this.#rest(this.#desk.settleMs);
        continue;
      }
      const gatherMs = carried < company ? 0 : this.#pace.waitMs(this.#ports.time.now());
      if (gatherMs > 0) {
        await this.#rest(gatherMs);
        continue;
      }
      this.#awake = false;
      const claimed = await this.#claim(Math.min(room, this.#batchLimit));
      if (claimed === 0 && !this.#awake) await this.#rest(this.#limits.idlePollMs);
    }
  }

  /** Sleeps until rung, a batch ends, or `ms` passed. */
  async #rest(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.#ports.time.schedule(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
    this.#wake = () => {};
  }

  async #claim(limit: number): Promise<number> {
    const { queue, time, newToken, report } = this.#ports;
    const token = newToken();
    const now = time.now();
    this.#pace.claiming();
    try {
      const { leaseMs } = this.#limits;
      const claimed = await queue.claim({ token, limit, leaseMs, now });
      this.#pace.claimed(claimed.length, limit, now);
      if (this.#stopping && claimed.length > 0) {
        const seqs = claimed.map((each) => each.seq);
        await queue.giveBack(token, seqs).catch(() => {}); // then their lease runs out
        return 0;
      }
      if (limit === this.#batchLimit || claimed.length < limit) {
        this.#batchLimit = nextBatchLimit(this.#batchLimit, claimed.length, this.#limits);
      }
      if (claimed.length > 0) {
        const onLinger = () => this.ring();
        this.#run(new Batch(this.#ports, this.#limits, this.#desk, token, claimed, onLinger));
      }
      return claimed.length;
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
        this.ring();
      });
  }
}
