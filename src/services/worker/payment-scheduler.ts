/**
 * Asks for payments: side by side up to a limit, each once and with a deadline.
 *
 * A payment that takes much longer than others gives its place to the next, up to a second limit:
 * a few hundred that are never answered would have let nobody else pay until their deadline.
 *
 * While the provider is down (provider-health.ts), only `probesMax` first requests are in flight;
 * further first requests are not sent. Payments that were not answered before are asked for all the
 * same: a claim takes few of them, and their number of requests is limited, so each ends.
 *
 * Never: a provider that is down gets a request for every waiting payment. So its health is checked
 * when a payment's turn comes, not when it starts to wait.
 */

import assert from 'node:assert/strict';
import type { ReserveOutcome } from '../../api/internal/catalog-routes.ts';
import type { ClaimedCheckout } from '../../queue/purchase-queue.ts';
import type { ChargeOutcome } from './payment.ts';
import type { WorkerLimits, WorkerPorts } from './ports.ts';
import { ProviderHealth } from './provider-health.ts';

/** Weight of the newest payment in the typical one. */
const newestWeight = 0.05;
/** Of a typical payment. */
const decideShare = 0.5;
/** The clock counts whole milliseconds: a shorter payment counts as this long. */
const shortestMs = 0.5;
/** A payment is slow when it takes this many times a typical one, and at least `slowMsMin`. */
const slowFactor = 4;
const slowMsMin = 300;
/** For each payment that may be under way at once, so many slow ones are not counted. */
const slowShareMax = 3;

type Reserved = Extract<ReserveOutcome, { kind: 'reserved' }>;
type SchedulerPorts = Pick<WorkerPorts, 'payments' | 'time' | 'report'>;

export type PaymentResult =
  | Exclude<ChargeOutcome, { kind: 'unknown' }>
  /** Unknown: the money may be taken. It is asked for again by its key, or voided. */
  | { readonly kind: 'unanswered' }
  /** The provider is down, or the checkout is not ours any more. */
  | { readonly kind: 'not-asked' };

export class PaymentScheduler {
  readonly #ports: SchedulerPorts;
  readonly #limits: WorkerLimits;
  readonly #health: ProviderHealth;
  readonly #line: (() => void)[] = [];
  /** Slow ones are counted apart. */
  #inFlight = 0;
  #slow = 0;
  #firstAsks = 0;
  #typicalMs: number | null = null;
  #spentMs = 0;
  #lookedAt: number;

  constructor(ports: SchedulerPorts, limits: WorkerLimits) {
    this.#ports = ports;
    this.#limits = limits;
    this.#health = new ProviderHealth(limits.unansweredBuyersMax);
    this.#lookedAt = ports.time.now();
  }

  /**
   * How long this worker was busy with payments so far, in milliseconds: with all its payments in
   * flight, an hour counts as an hour, with half of them as half. Work done by this is what it
   * could do at most.
   */
  get busyMs(): number {
    this.#account();
    return this.#spentMs / this.#limits.paymentsInFlightMax;
  }

  /**
   * How many checkouts can be paid within `ms`, counted from the first request. A worker that
   * claims more keeps them from workers with free capacity. While the provider is down: `probesMax`
   * at most.
   */
  capacity(ms: number): number {
    const { paymentsInFlightMax: atOnce, probesMax } = this.#limits;
    if (this.#health.isDown) return Math.min(atOnce, probesMax);
    if (this.#typicalMs === null) return 2 * atOnce;
    return Math.floor(atOnce * (1 + ms / Math.max(shortestMs, this.#typicalMs)));
  }

  /**
   * How long a paid checkout waits for others, so that one transaction decides them all: a share of
   * what a payment takes. With payments of 200 ms, ten at a time, a wait of 25 ms gathered only one
   * checkout or two, and saved nothing.
   */
  get decideEveryMs(): number {
    const { decideEveryMs, decideEveryMsMax } = this.#limits;
    const share = (this.#typicalMs ?? 0) * decideShare;
    return Math.min(decideEveryMsMax, Math.max(decideEveryMs, share));
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Waits for its turn, then asks once. `isOurs` is looked at when the turn has come. */
  async pay(
    checkout: ClaimedCheckout,
    reserved: Reserved,
    isOurs: () => boolean,
  ): Promise<PaymentResult> {
    await this.#acquire();
    const leave = this.#takePlace();
    const isFirst = checkout.unanswered === 0;
    if (isFirst) this.#firstAsks += 1;
    try {
      const isRefused = this.#health.isDown && isFirst && this.#firstAsks > this.#limits.probesMax;
      if (isRefused || !isOurs()) return { kind: 'not-asked' };
      return await this.#ask(checkout, reserved);
    } finally {
      if (isFirst) this.#firstAsks -= 1;
      leave();
    }
  }

  /** Until it is left, or the payment turns out to be slow. */
  #takePlace(): () => void {
    const { time } = this.#ports;
    const slowMax = slowShareMax * this.#limits.paymentsInFlightMax;
    let isSlow = false;
    const cancel = time.schedule(Math.max(slowMsMin, slowFactor * (this.#typicalMs ?? 0)), () => {
      if (this.#slow >= slowMax) return;
      isSlow = true;
      this.#slow += 1;
      this.#release();
    });
    return () => {
      cancel();
      if (isSlow) this.#slow -= 1;
      else this.#release();
    };
  }

  async #ask(checkout: ClaimedCheckout, reserved: Reserved): Promise<PaymentResult> {
    const { time, report } = this.#ports;
    const askedAt = time.now();
    const outcome = await this.#charge(checkout, reserved);
    if (outcome.kind === 'unknown') {
      const { customer, request, unanswered } = checkout;
      if (unanswered === 0) this.#health.unanswered(customer ?? request.email, askedAt);
      report('payment-unanswered', { id: checkout.id, why: outcome.why });
      return { kind: 'unanswered' };
    }
    this.#health.answered(time.now());
    const tookMs = time.now() - askedAt;
    const before = this.#typicalMs ?? tookMs;
    this.#typicalMs = before + newestWeight * (tookMs - before);
    return outcome;
  }

  #charge(
    { id: key, request }: ClaimedCheckout,
    { total: amount, currency }: Reserved,
  ): Promise<ChargeOutcome> {
    const { payments, time } = this.#ports;
    const { method, token } = request.payment;
    const abort = new AbortController();
    return new Promise<ChargeOutcome>((resolve, reject) => {
      const cancel = time.schedule(this.#limits.paymentDeadlineMs, () => {
        resolve({ kind: 'unknown', why: 'no answer in time' });
        abort.abort();
      });
      payments
        .charge({ key, amount, currency, method, token }, abort.signal)
        .finally(cancel)
        .then(resolve, reject);
    });
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
    assert(this.#inFlight >= 0 && this.#firstAsks >= 0, 'a payment ended twice');
  }
}
