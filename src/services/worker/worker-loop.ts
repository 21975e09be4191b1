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
import type { FollowUp } from '../../queue/purchase-queue.ts';
import { Batch } from './batch.ts';
import { ClaimPace, company } from './claim-pace.ts';
import { PaymentDesk } from './payment-desk.ts';
import type { WorkerLimits, WorkerPorts } from './ports.ts';

/**
 * A worker holds what it can pay within this. More would lie in its line while other workers, and
 * those that are about to be started, have time; less would leave the line empty between claims.
 */
const heldMsMax = 400;
/** Claiming for a smaller part of that costs more statements than it saves waiting. */
const claimShareMin = 1 / 3;
const followUpsMax = 200;
/** Voids and refunds under way at once. */
const followUpPaymentsMax = 16;
/** Longer than carrying out a full claim takes with a provider that is half a second away. */
const followUpLeaseMs = 20_000;

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
    this.#done = Promise.all([this.#claimForever(), this.#followUpForever()]);
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

  async #followUpForever(): Promise<void> {
    const { time, report, isTransient } = this.#ports;
    while (!this.#stopping) {
      let done = 0;
      try {
        done = await this.#followUp();
      } catch (error) {
        report('follow-up-failed', { error, transient: isTransient(error) });
      }
      if (done < followUpsMax) await time.sleep(this.#limits.idlePollMs);
    }
  }

  async #followUp(): Promise<number> {
    const { queue, stock, time } = this.#ports;
    const due = await queue.claimFollowUps(followUpsMax, time.now(), followUpLeaseMs);
    if (due.length === 0) return 0;
    const done: number[] = [];
    const releases = due.filter((each) => each.kind === 'release');
    const payments = due.filter((each) => each.kind !== 'release').values();
    const payBack = async (): Promise<void> => {
      for (const each of payments) {
        await this.#carryOut([each], done, () => this.#payBack(each));
      }
    };
    await Promise.all([
      this.#carryOut(releases, done, (ids) => stock.release(ids)),
      ...Array.from({ length: followUpPaymentsMax }, payBack),
    ]);
    await queue.finishFollowUps(done);
    return due.length;
  }

  /** What fails comes again when its lease is over; it holds up none of the others. */
  async #carryOut(
    followUps: readonly FollowUp[],
    done: number[],
    act: (checkoutIds: readonly string[]) => Promise<void>,
  ): Promise<void> {
    if (followUps.length === 0) return;
    const ids = followUps.map((each) => each.checkoutId);
    try {
      await act(ids);
      for (const each of followUps) done.push(each.id);
    } catch (error) {
      const { report, isTransient } = this.#ports;
      const [{ kind } = {}] = followUps;
      report('follow-up-failed', { error, transient: isTransient(error), kind, id: ids[0] });
    }
  }

  #payBack({ kind, checkoutId, method, paymentId }: FollowUp): Promise<void> {
    const { payments } = this.#ports;
    if (kind === 'void') return payments.void(checkoutId, method);
    return payments.refund(checkoutId, method, paymentId);
  }
}
