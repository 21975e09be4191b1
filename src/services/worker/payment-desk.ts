/**
 * Settles payments: concurrently up to a limit, each with a deadline, asked again by its key when
 * no answer came, not at all while the breaker is open.
 *
 * What must never hold: a provider that answers nobody, asked by everybody who waits in line. So
 * the breaker is looked at when a payment's turn has come, not when it joins the line.
 */

import {
  admits,
  afterAdmission,
  afterFailure,
  afterSuccess,
  type Breaker,
  closedBreaker,
} from '../../kit/circuit-breaker.ts';
import type { ClaimedCheckout } from '../../queue/purchase-queue.ts';
import type { ChargeOutcome } from './payment.ts';
import type { ReserveOutcome, WorkerLimits, WorkerPorts } from './ports.ts';

/** Weight of the newest payment in the typical one. */
const newestWeight = 0.05;
/** Of a typical payment. */
const settleShare = 0.5;
/** Shorter than this is not told apart: the clock counts whole milliseconds. */
const shortestMs = 0.5;

type Reserved = Extract<ReserveOutcome, { kind: 'reserved' }>;
type DeskPorts = Pick<WorkerPorts, 'payments' | 'time' | 'report'>;

export type Settled =
  | { readonly kind: 'approved'; readonly paymentId: string }
  | { readonly kind: 'declined' }
  /** Never answered: the payment must be voided, since it may yet go through. */
  | { readonly kind: 'gave-up' };

export class PaymentDesk {
  readonly #ports: DeskPorts;
  readonly #limits: WorkerLimits;
  readonly #line: (() => void)[] = [];
  #inFlight = 0;
  #breaker: Breaker = closedBreaker;
  #typicalMs: number | null = null;
  #spentMs = 0;
  #lookedAt: number;

  constructor(ports: DeskPorts, limits: WorkerLimits) {
    this.#ports = ports;
    this.#limits = limits;
    this.#lookedAt = ports.time.now();
  }

  /**
   * How long this desk was busy so far, in milliseconds: with all its payments in flight, an hour
   * counts as an hour, with half of them as half. Work done by this is what it could do at most.
   */
  get busyMs(): number {
    this.#account();
    return this.#spentMs / this.#limits.paymentsInFlightMax;
  }

  /**
   * How many checkouts this desk finishes within `ms`, from the start of the first. Whoever claims
   * more keeps them from workers that have time.
   */
  carries(ms: number): number {
    const atOnce = this.#limits.paymentsInFlightMax;
    if (this.#typicalMs === null) return 2 * atOnce;
    return Math.floor(atOnce * (1 + ms / Math.max(shortestMs, this.#typicalMs)));
  }

  /**
   * How long what is paid may wait for its neighbours, so that one transaction decides them all: a
   * part of what a payment takes, which is what a buyer waits anyhow. With payments of 200 ms, ten
   * at a time, decisions of 25 ms held one checkout or two, and cost as much as one by one.
   */
  get settleMs(): number {
    const { settleMs, settleMsMax } = this.#limits;
    return Math.min(settleMsMax, Math.max(settleMs, (this.#typicalMs ?? 0) * settleShare));
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** True while the provider is left alone: what would be claimed now could not be paid. */
  isResting(): boolean {
    return !admits(this.#breaker, this.#ports.time.now());
  }

  /** Null when the checkout is no longer ours (`isOurs` turned false while waiting). */
  async settle(
    checkout: ClaimedCheckout,
    reserved: Reserved,
    isOurs: () => boolean,
  ): Promise<Settled | null> {
    const { time, report } = this.#ports;
    const { paymentAttemptsMax, retryMs } = this.#limits;
    for (let attempts = 0; attempts < paymentAttemptsMax; ) {
      const outcome = await this.#ask(checkout, reserved);
      if (outcome !== null && outcome.kind !== 'unknown') return outcome;
      if (outcome !== null) {
        attempts += 1;
        report('payment-unknown', { id: checkout.id, why: outcome.why });
      }
      if (!isOurs()) return null;
      if (outcome === null && checkout.expires <= time.now()) return { kind: 'gave-up' };
      await time.sleep(retryMs * Math.max(1, attempts));
    }
    return { kind: 'gave-up' };
  }

  /** Null where the breaker is open when the payment's turn has come. */
  async #ask(checkout: ClaimedCheckout, reserved: Reserved): Promise<ChargeOutcome | null> {
    await this.#acquire();
    try {
      if (this.isResting()) return null;
      return await this.#charge(checkout, reserved);
    } finally {
      this.#release();
    }
  }

  async #charge(
    { id: key, request }: ClaimedCheckout,
    { total: amount, currency }: Reserved,
  ): Promise<ChargeOutcome> {
    const { payments, time } = this.#ports;
    const { method, token } = request.payment;
    const abort = new AbortController();
    const startedAt = time.now();
    this.#breaker = afterAdmission(this.#breaker, startedAt);
    const outcome = await new Promise<ChargeOutcome>((resolve, reject) => {
      const cancel = time.schedule(this.#limits.paymentDeadlineMs, () => {
        resolve({ kind: 'unknown', why: 'no answer in time' });
        abort.abort();
      });
      payments
        .charge({ key, amount, currency, method, token }, abort.signal)
        .finally(cancel)
        .then(resolve, reject);
    });
    const tookMs = time.now() - startedAt;
    const before = this.#typicalMs ?? tookMs;
    this.#typicalMs = before + newestWeight * (tookMs - before);
    this.#breaker =
      outcome.kind === 'unknown'
        ? afterFailure(this.#breaker, time.now(), this.#limits.paymentBreaker)
        : afterSuccess(this.#breaker);
    return outcome;
  }

  #account(): void {
    const now = this.#ports.time.now();
    this.#spentMs += this.#inFlight * Math.max(0, now - this.#lookedAt);
    this.#lookedAt = now;
  }

  #acquire(): Promise<void> | undefined {
    this.#account();
    if (this.#inFlight < this.#limits.paymentsInFlightMax) {
      this.#inFlight += 1;
      return undefined;
    }
    return new Promise((resolve) => {
      this.#line.push(resolve);
    });
  }

  #release(): void {
    this.#account();
    const next = this.#line.shift();
    if (next === undefined) this.#inFlight -= 1;
    else next();
  }
}
