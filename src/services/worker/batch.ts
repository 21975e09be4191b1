/**
 * One claimed batch on its way: reserve -> pay -> decide -> tell.
 *
 * A checkout of the batch is *open* until it is decided (by us, or by another worker that took the
 * lease over). Nothing is released or voided here: that follows from a decision and is written
 * with it. Recovery is always the same: run the batch again; every step is idempotent by checkout
 * id, and the decision is fenced by the claim's token.
 *
 * What must never hold: a release before the fenced decision (another worker may just have sold
 * what we would give back), and an unanswered payment taken for a decline (the money may be gone).
 */
import type { ClaimedCheckout, DecidedCheckout } from '../../queue/purchase-queue.ts';
import { type Decision, mergeLines, orderTotalMax, type Rejection } from '../../shop/checkout.ts';
import { isDearer } from '../../shop/pricing.ts';
import type { PaymentDesk, Settled } from './payment-desk.ts';
import type { ReserveOutcome, WorkerLimits, WorkerPorts } from './ports.ts';

type Reserved = Extract<ReserveOutcome, { kind: 'reserved' }>;

const nothingFollows = { releaseStock: false, voidPayment: false };
const unitsGoBack = { releaseStock: true, voidPayment: false };
const undoEverything = { releaseStock: true, voidPayment: true };

export class Batch {
  readonly #ports: WorkerPorts;
  readonly #limits: WorkerLimits;
  readonly #desk: PaymentDesk;
  readonly #token: string;
  readonly #open = new Map<number, ClaimedCheckout>();
  #stopped = false;
  #lingers = false;
  readonly #onLinger: () => void;
  #cancelRenewal: () => void = () => {};

  constructor(
    ports: WorkerPorts,
    limits: WorkerLimits,
    desk: PaymentDesk,
    token: string,
    claimed: readonly ClaimedCheckout[],
    onLinger: () => void = () => {},
  ) {
    this.#onLinger = onLinger;
    this.#ports = ports;
    this.#limits = limits;
    this.#desk = desk;
    this.#token = token;
    for (const checkout of claimed) this.#open.set(checkout.seq, checkout);
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** All that is left of it waits for slow payments: it needs no database, another may run. */
  get isLingering(): boolean {
    return this.#lingers;
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
    // one that already took a worker down with it goes alone
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
    const rest = all.filter((each) => each.expires > now);
    const exhausted = rest.filter((each) => each.attempts > this.#limits.attemptsMax);
    const live = rest.filter((each) => each.attempts <= this.#limits.attemptsMax);
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
    const held = await this.#ports.queue.extend(this.#token, asked, until).catch(() => asked);
    const kept = new Set(held);
    for (const seq of asked) if (!kept.has(seq)) this.#open.delete(seq);
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

  async #reserveAndPay(group: readonly ClaimedCheckout[]): Promise<void> {
    const outcomes = await this.#ports.stock.reserve(
      group.map((each) => ({ checkoutId: each.id, lines: mergeLines(each.request.lines) })),
    );
    const byId = new Map(outcomes.map((outcome) => [outcome.checkoutId, outcome]));
    const refused: DecidedCheckout[] = [];
    const payable: { checkout: ClaimedCheckout; reserved: Reserved }[] = [];
    for (const checkout of group) {
      const outcome = byId.get(checkout.id);
      if (outcome === undefined) throw new Error(`no reservation answer for ${checkout.id}`);
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

  async #payAndDecide(
    payable: readonly { checkout: ClaimedCheckout; reserved: Reserved }[],
  ): Promise<void> {
    if (payable.length === 0) return;
    let settled: DecidedCheckout[] = [];
    let pending = payable.length;
    const all = Promise.all(
      payable.map(async ({ checkout, reserved }) => {
        const outcome = await this.#desk.settle(checkout, reserved, () => this.#isOpen(checkout));
        pending -= 1;
        if (outcome !== null) settled.push(this.#decisionOf(checkout, reserved, outcome));
      }),
    );
    // whatever is paid is decided now; a slow payment does not hold its neighbours up
    while (pending > 0 || settled.length > 0) {
      if (pending > 0) await Promise.race([all, this.#ports.time.sleep(this.#desk.settleMs)]);
      const ready = settled;
      settled = [];
      await this.#decide(ready);
      if (pending > 0 && !this.#lingers) {
        this.#lingers = true;
        this.#onLinger();
      }
    }
    await all;
  }

  #isOpen(checkout: ClaimedCheckout): boolean {
    return !this.#stopped && this.#open.has(checkout.seq);
  }

  #decisionOf(checkout: ClaimedCheckout, reserved: Reserved, settled: Settled): DecidedCheckout {
    if (settled.kind === 'declined') {
      return reject(checkout, { reason: 'payment-declined' }, unitsGoBack);
    }
    if (settled.kind === 'gave-up') {
      return reject(checkout, { reason: 'payment-timeout' }, undoEverything);
    }
    const { lines, total, currency } = reserved;
    const placedAt = this.#ports.time.now();
    const decision: Decision = {
      kind: 'placed',
      lines,
      total,
      currency,
      paymentId: settled.paymentId,
      placedAt,
    };
    const { seq, id, customer } = checkout;
    return { seq, id, customer, decision, aftermath: nothingFollows };
  }

  /** Retries until the database answers: what is decided must become known to us. */
  async #decide(batch: readonly DecidedCheckout[]): Promise<void> {
    if (batch.length === 0) return;
    const { queue, time } = this.#ports;
    for (;;) {
      try {
        const done = new Set(await queue.decide(this.#token, batch));
        this.#ports.tell(batch.filter((each) => done.has(each.seq)));
        // what is not done is another's now, or was done by a call whose answer was lost
        for (const each of batch) this.#open.delete(each.seq);
        return;
      } catch (error) {
        if (!this.#ports.isTransient(error)) throw error;
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
