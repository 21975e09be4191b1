/**
 * One claimed batch on its way: hold carts -> reserve -> pay -> decide -> announce.
 *
 * A checkout of the batch is *open* until it is decided (by us, or by another worker that took the
 * lease over) or put back. One whose payment is not answered is put back to be claimed again later,
 * each time after a longer wait; after `paymentAsksMax` asks it is rejected and its payment voided.
 * Nothing is released or voided here: that follows from a decision and is written with it. Recovery
 * is always the same: run the batch again; every step is idempotent by checkout id, and the
 * decision is fenced by the claim's token.
 *
 * Never: a release before the fenced decision (another worker may just have sold what we would give
 * back); an unanswered payment taken for a decline (the money may be gone).
 */
import assert from 'node:assert/strict';
import type { ReserveOutcome } from '../../api/internal/catalog-routes.ts';
import type { ClaimedCheckout, DecidedCheckout } from '../../queue/purchase-queue.ts';
import { type Decision, mergeLines, orderTotalMax, type Rejection } from '../../shop/checkout.ts';
import { isDearer } from '../../shop/pricing.ts';
import type { PaymentResult, PaymentScheduler } from './payment-scheduler.ts';
import type { WorkerLimits, WorkerPorts } from './ports.ts';

type Reserved = Extract<ReserveOutcome, { kind: 'reserved' }>;
type Answered = Extract<PaymentResult, { kind: 'approved' | 'declined' }>;

interface Payable {
  readonly checkout: ClaimedCheckout;
  readonly reserved: Reserved;
}

interface Paid extends Payable {
  readonly result: PaymentResult;
}

/** Each wait for the next ask is so many times as long as the one before. */
const retryGrowth = 4;

const nothingFollows = { releaseStock: false, voidPayment: false, emptyCart: false };
const unitsGoBack = { ...nothingFollows, releaseStock: true };
const undoEverything = { ...unitsGoBack, voidPayment: true };

export class Batch {
  readonly #ports: WorkerPorts;
  readonly #limits: WorkerLimits;
  readonly #payments: PaymentScheduler;
  readonly #token: string;
  readonly #open = new Map<number, ClaimedCheckout>();
  #stopped = false;
  #isWaitingForPayments = false;
  readonly #wakeLoop: () => void;
  #cancelRenewal: () => void = () => {};

  constructor(
    ports: WorkerPorts,
    limits: WorkerLimits,
    payments: PaymentScheduler,
    token: string,
    claimed: readonly ClaimedCheckout[],
    wakeLoop: () => void = () => {},
  ) {
    this.#wakeLoop = wakeLoop;
    this.#ports = ports;
    this.#limits = limits;
    this.#payments = payments;
    this.#token = token;
    for (const checkout of claimed) this.#open.set(checkout.seq, checkout);
    assert(this.#open.size === claimed.length, 'a checkout was claimed twice in one batch');
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** Of these, those whose payment was not answered before. */
  get retryCount(): number {
    let count = 0;
    for (const { unanswered } of this.#open.values()) if (unanswered > 0) count += 1;
    return count;
  }

  /** All that is left of it waits for slow payments: it needs no database, another may run. */
  get isWaitingForPayments(): boolean {
    return this.#isWaitingForPayments;
  }

  /**
   * Resolves when every checkout is decided, lost to another worker, or given back. Rejects by a
   * bug only; then the leases run out, since nobody renews them any more.
   */
  async run(): Promise<void> {
    this.#keepLeases();
    try {
      await this.#runToItsEnd();
    } finally {
      this.#stop();
    }
  }

  async #runToItsEnd(): Promise<void> {
    const all = [...this.#open.values()];
    const { expired, exhausted, live } = this.#sort(all);
    const givenUp = [
      ...expired.map((each) => reject(each, { reason: 'expired' }, undoEverything)),
      ...exhausted.map((each) => reject(each, { reason: 'failed' }, undoEverything)),
    ];
    // a checkout whose worker died runs alone: it may be the cause
    const suspects = live.filter((each) => each.attempts > 2);
    const healthy = live.filter((each) => each.attempts <= 2);
    await Promise.all([
      this.#giveUp(givenUp),
      this.#fulfil(healthy),
      ...suspects.map((each) => this.#fulfil([each])),
    ]);
  }

  /** Ends the waiting for slow payments: what is still open goes back to the queue. */
  async abandon(): Promise<void> {
    const seqs = [...this.#open.keys()];
    this.#stop();
    if (seqs.length > 0) await this.#ports.queue.giveBack(this.#token, seqs);
  }

  #sort(all: readonly ClaimedCheckout[]) {
    const now = this.#ports.time.now();
    const expired = all.filter((each) => each.expires <= now);
    const current = all.filter((each) => each.expires > now);
    const exhausted = current.filter((each) => each.attempts > this.#limits.attemptsMax);
    const live = current.filter((each) => each.attempts <= this.#limits.attemptsMax);
    return { expired, exhausted, live };
  }

  #stop(): void {
    this.#stopped = true;
    this.#open.clear();
    this.#cancelRenewal();
  }

  #keepLeases(): void {
    this.#cancelRenewal = this.#ports.time.schedule(this.#limits.leaseMs / 3, () => {
      this.#renewLeases().finally(() => {
        if (!this.#stopped) this.#keepLeases();
      });
    });
  }

  async #renewLeases(): Promise<void> {
    const asked = [...this.#open.keys()];
    const until = this.#ports.time.now() + this.#limits.leaseMs;
    let kept: Set<number>;
    try {
      kept = new Set(await this.#ports.queue.extend(this.#token, asked, until));
    } catch (error) {
      // the next renewal shows whether the leases are lost
      this.#ports.report('lease-renewal-failed', { error });
      return;
    }
    const lost = asked.filter((seq) => !kept.has(seq) && this.#open.delete(seq));
    if (lost.length > 0) this.#ports.report('lease-lost', { checkouts: lost.length });
  }

  /** Reserves and pays, bisecting a group that fails as a whole until the culprit is alone. */
  async #fulfil(group: readonly ClaimedCheckout[]): Promise<void> {
    let failures = 0;
    for (;;) {
      const open = group.filter((each) => this.#open.has(each.seq));
      if (open.length === 0 || this.#stopped) return;
      try {
        return await this.#reserveAndPay(open);
      } catch (error) {
        if (this.#ports.isTransient(error)) {
          await this.#decideExpired(open);
        } else if (open.length > 1) {
          const half = Math.ceil(open.length / 2);
          await Promise.all([this.#fulfil(open.slice(0, half)), this.#fulfil(open.slice(half))]);
          return;
        } else {
          failures += 1;
          this.#ports.report('checkout-failed', { id: open[0]?.id, failures, error });
        }
        if (failures >= this.#limits.attemptsMax) {
          return this.#giveUp(open.map((o) => reject(o, { reason: 'failed' }, undoEverything)));
        }
        await this.#ports.time.sleep(this.#limits.retryMs);
      }
    }
  }

  /**
   * Writes rejections, bisecting those that cannot be written. One that cannot even be rejected
   * stays in the queue until it can: it must not keep the others of its batch from being decided.
   */
  async #giveUp(rejected: readonly DecidedCheckout[]): Promise<void> {
    try {
      await this.#decide(rejected);
    } catch (error) {
      if (rejected.length === 1) {
        this.#ports.report('rejection-failed', { id: rejected[0]?.id, error });
        return;
      }
      const half = Math.ceil(rejected.length / 2);
      const halves = [rejected.slice(0, half), rejected.slice(half)];
      await Promise.all(halves.map((each) => this.#giveUp(each)));
    }
  }

  async #decideExpired(open: readonly ClaimedCheckout[]): Promise<void> {
    const now = this.#ports.time.now();
    const expired = open.filter((each) => each.expires <= now);
    await this.#giveUp(expired.map((each) => reject(each, { reason: 'expired' }, undoEverything)));
  }

  /**
   * Those of a group that may buy their cart, or buy none. A checkout whose cart was bought is
   * rejected; one whose cart another is buying goes back to the queue until that one is decided.
   * It has taken nothing yet, so there is nothing to undo.
   */
  async #holdCarts(group: readonly ClaimedCheckout[]): Promise<readonly ClaimedCheckout[]> {
    const wanted = group.flatMap(({ seq, request: { cart } }) =>
      cart === undefined ? [] : [{ seq, version: cart.version }],
    );
    if (wanted.length === 0) return group;
    const { queue, time } = this.#ports;
    const holds = new Map((await queue.holdCarts(wanted)).map((hold) => [hold.seq, hold]));
    const others = group.filter(({ seq }) => (holds.get(seq)?.holder ?? seq) !== seq);
    if (others.length === 0) return group;
    const rejected: DecidedCheckout[] = [];
    const waiting: number[] = [];
    for (const checkout of others) {
      const { holder = 0, isPlaced = false } = holds.get(checkout.seq) ?? {};
      const rejection = { reason: 'cart-already-bought', order: holder } as const;
      if (isPlaced) rejected.push(reject(checkout, rejection, nothingFollows));
      else waiting.push(checkout.seq);
    }
    const from = time.now() + this.#limits.cartWaitMs;
    if (waiting.length > 0) time.schedule(this.#limits.cartWaitMs, this.#wakeLoop);
    await this.#putBack(waiting, (seqs) => queue.giveBack(this.#token, seqs, from));
    await this.#decide(rejected);
    return group.filter((each) => !others.includes(each));
  }

  async #reserveAndPay(given: readonly ClaimedCheckout[]): Promise<void> {
    const group = await this.#holdCarts(given);
    if (group.length === 0) return;
    const outcomes = await this.#ports.stock.reserve(
      group.map((each) => ({ checkoutId: each.id, lines: mergeLines(each.request.lines) })),
    );
    const byId = new Map(outcomes.map((outcome) => [outcome.checkoutId, outcome]));
    const refused: DecidedCheckout[] = [];
    const payable: Payable[] = [];
    for (const checkout of group) {
      const outcome = byId.get(checkout.id);
      assert(outcome !== undefined, `no reservation answer for ${checkout.id}`);
      if (outcome.kind === 'refused') {
        refused.push(reject(checkout, rejectionOf(outcome), nothingFollows));
      } else if (outcome.total > orderTotalMax) {
        refused.push(reject(checkout, { reason: 'total-too-large' }, unitsGoBack));
      } else if (isDearerThanExpected(checkout, outcome)) {
        const { lines, currency } = outcome;
        refused.push(reject(checkout, { reason: 'price-changed', lines, currency }, unitsGoBack));
      } else payable.push({ checkout, reserved: outcome });
    }
    await Promise.all([this.#decide(refused), this.#payAndDecide(payable)]);
  }

  async #payAndDecide(payable: readonly Payable[]): Promise<void> {
    if (payable.length === 0) return;
    let paid: Paid[] = [];
    let pending = payable.length;
    const all = Promise.all(
      payable.map(async ({ checkout, reserved }) => {
        const result = await this.#payments.pay(checkout, reserved, () => this.#isOpen(checkout));
        pending -= 1;
        if (this.#isOpen(checkout)) paid.push({ checkout, reserved, result });
      }),
    );
    all.catch(() => {}); // thrown below, unless a decision throws first
    // what is paid is decided now: a slow payment must not delay the others
    while (pending > 0 || paid.length > 0) {
      if (pending > 0) {
        await Promise.race([all, this.#ports.time.sleep(this.#payments.decideEveryMs)]);
      }
      const ready = paid;
      paid = [];
      await this.#settle(ready);
      if (pending > 0 && !this.#isWaitingForPayments) {
        this.#isWaitingForPayments = true;
        this.#wakeLoop();
      }
    }
    await all;
  }

  /** Decides what was answered. The others go back to the queue: no batch waits for them. */
  async #settle(paid: readonly Paid[]): Promise<void> {
    const decided: DecidedCheckout[] = [];
    const later = new Map<number, number[]>();
    const notAsked: number[] = [];
    for (const each of paid) {
      const { checkout, result } = each;
      const { seq, unanswered } = checkout;
      if (result.kind === 'not-asked') notAsked.push(seq);
      else if (result.kind !== 'unanswered') decided.push(this.#decisionOf(each, result));
      else if (unanswered + 1 >= this.#limits.paymentAsksMax) {
        decided.push(reject(checkout, { reason: 'payment-timeout' }, undoEverything));
      } else later.set(unanswered, [...(later.get(unanswered) ?? []), seq]);
    }
    const { queue, time } = this.#ports;
    await Promise.all([
      this.#decide(decided),
      this.#putBack(notAsked, (seqs) => queue.giveBack(this.#token, seqs)),
      ...[...later].map(([unanswered, group]) => {
        const until = time.now() + this.#limits.paymentRetryMs * retryGrowth ** unanswered;
        return this.#putBack(group, (seqs) => queue.postpone(this.#token, seqs, until));
      }),
    ]);
  }

  /** Tried once: where it fails, the leases run out, since nobody renews them any more. */
  async #putBack(
    seqs: readonly number[],
    write: (seqs: readonly number[]) => Promise<void>,
  ): Promise<void> {
    if (seqs.length === 0) return;
    for (const seq of seqs) this.#open.delete(seq);
    await write(seqs).catch((error: unknown) => this.#ports.report('put-back-failed', { error }));
  }

  #isOpen(checkout: ClaimedCheckout): boolean {
    return !this.#stopped && this.#open.has(checkout.seq);
  }

  #decisionOf({ checkout, reserved }: Paid, result: Answered): DecidedCheckout {
    if (result.kind === 'declined') {
      return reject(checkout, { reason: 'payment-declined' }, unitsGoBack);
    }
    const { lines, total, currency } = reserved;
    assert(total <= orderTotalMax && lines.length > 0, `${checkout.id} must not be an order`);
    const { paymentId } = result;
    const placedAt = this.#ports.time.now();
    const decision: Decision = { kind: 'placed', lines, total, currency, paymentId, placedAt };
    const { seq, id, customer, request } = checkout;
    const aftermath = { ...nothingFollows, emptyCart: request.cart !== undefined };
    return { seq, id, customer, decision, aftermath };
  }

  /** Retries until the database answers: what is decided must become known to us. */
  async #decide(batch: readonly DecidedCheckout[]): Promise<void> {
    if (batch.length === 0) return;
    const { queue, time } = this.#ports;
    for (;;) {
      try {
        const done = new Set(await queue.decide(this.#token, batch));
        this.#ports.announce(batch.filter((each) => done.has(each.seq)));
        // what is not done is another's now, or was done by a call whose answer was lost
        for (const each of batch) this.#open.delete(each.seq);
        return;
      } catch (error) {
        if (!this.#ports.isTransient(error)) throw error;
        this.#ports.report('decision-failed', { error });
        await time.sleep(this.#limits.retryMs);
      }
    }
  }
}

function isDearerThanExpected(
  { request }: ClaimedCheckout,
  { total, currency }: Reserved,
): boolean {
  const { expectedTotal } = request;
  return expectedTotal !== undefined && isDearer({ amount: total, currency }, expectedTotal);
}

function reject(
  { seq, id, customer }: ClaimedCheckout,
  rejection: Rejection,
  aftermath: DecidedCheckout['aftermath'],
): DecidedCheckout {
  return { seq, id, customer, decision: { kind: 'rejected', rejection }, aftermath };
}

function rejectionOf(refused: Extract<ReserveOutcome, { kind: 'refused' }>): Rejection {
  const { reason, sku, available } = refused;
  if (reason === 'sold-out') return { reason, sku, available };
  if (reason === 'unknown-sku') return { reason, sku };
  return { reason: 'failed' };
}
