/**
 * Settles payments: concurrently up to a limit, each with a deadline, asked again by its key when
 * no answer came, not at all while the breaker is open.
 */
import type { ClaimedCheckout } from '../../queue/purchase-queue.ts';
import type { ChargeOutcome } from './payment.ts';
import type { ReserveOutcome, WorkerLimits, WorkerPorts } from './ports.ts';

export type Settled =
  | { readonly kind: 'approved'; readonly paymentId: string }
  | { readonly kind: 'declined' }
  /** Never answered: the payment must be voided, since it may yet go through. */
  | { readonly kind: 'gave-up' };

export class PaymentDesk {
  readonly #ports: Pick<WorkerPorts, 'payments' | 'breaker' | 'time' | 'report'>;
  readonly #limits: WorkerLimits;
  readonly #queue: (() => void)[] = [];
  #inFlight = 0;

  constructor(
    ports: Pick<WorkerPorts, 'payments' | 'breaker' | 'time' | 'report'>,
    limits: WorkerLimits,
  ) {
    this.#ports = ports;
    this.#limits = limits;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Null when the checkout is no longer ours (`isOurs` turned false while waiting). */
  async settle(
    checkout: ClaimedCheckout,
    reserved: Extract<ReserveOutcome, { kind: 'reserved' }>,
    isOurs: () => boolean,
  ): Promise<Settled | null> {
    const { time, breaker } = this.#ports;
    for (let attempts = 0; attempts < this.#limits.paymentAttemptsMax; ) {
      while (!breaker.admits(time.now())) {
        if (!isOurs()) return null;
        if (checkout.expires <= time.now()) return { kind: 'gave-up' };
        await time.sleep(this.#limits.retryMs);
      }
      await this.#acquire();
      const outcome = await this.#charge(checkout, reserved).finally(() => this.#release());
      if (outcome.kind !== 'unknown') return outcome;
      this.#ports.report('payment-unknown', { id: checkout.id, why: outcome.why });
      attempts += 1;
      if (!isOurs()) return null;
      await time.sleep(this.#limits.retryMs * attempts);
    }
    return { kind: 'gave-up' };
  }

  async #charge(
    { id: key, request }: ClaimedCheckout,
    { total: amount, currency }: Extract<ReserveOutcome, { kind: 'reserved' }>,
  ): Promise<ChargeOutcome> {
    const { payments, breaker, time } = this.#ports;
    const { method, token } = request.payment;
    const abort = new AbortController();
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
    if (outcome.kind === 'unknown') breaker.failed(time.now());
    else breaker.succeeded();
    return outcome;
  }

  #acquire(): Promise<void> | undefined {
    if (this.#inFlight < this.#limits.paymentsInFlightMax) {
      this.#inFlight += 1;
      return undefined;
    }
    return new Promise((resolve) => {
      this.#queue.push(resolve);
    });
  }

  #release(): void {
    const next = this.#queue.shift();
    if (next === undefined) this.#inFlight -= 1;
    else next();
  }
}
