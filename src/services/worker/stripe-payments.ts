/**
 * Payments by card, through Stripe. One checkout has one PaymentIntent: the checkout's id is the
 * idempotency key of its creation and stands in its metadata.
 *
 * A charge creates and confirms in one call. Asked again with the same key, Stripe repeats its
 * first answer, so an answer that was lost is found and nobody pays twice. Repeating an answer has
 * a price: one that was not final ("processing") is repeated too, so those are looked up anew.
 *
 * A void has to win against a charge that may still arrive, from a worker that was paused or from a
 * connection that hangs. So it first *seals* the key: under the same key it creates an intent that
 * is never confirmed, and cancels it. If that succeeds, nothing was charged, and Stripe refuses
 * each later charge, since the key was used for something else. If Stripe refuses the seal because
 * the key was used already, a charge exists: it is looked for and undone. Stripe's search lags
 * behind its writes (by a minute, by an hour at worst), so "not found" is believed only later;
 * until then the void stays in the outbox. Rejected: search alone, which misses the charge that was
 * made a moment ago, exactly the one that a void is for.
 *
 * Never: money kept for a checkout that became no order; an order paid twice.
 */
import { Stripe } from 'stripe';
import { uuidTime } from '../../kit/uuid-v7.ts';
import type { Charge, ChargeOutcome, PaymentProvider } from './payment.ts';

/** Longer than the payment scheduler waits: its deadline decides, not this. */
const requestMsMax = 10_000;
/** Stripe forgets idempotency keys after a day at the earliest; with a margin. */
const keyLifeMs = 23 * 3_600_000;
const searchLagMsMax = 3_600_000;
const intentsMax = 10;
/** The least that Stripe takes in most currencies; a seal is never confirmed. */
const sealAmount = 100;
/** For an order that costs nothing: there is no intent behind it. */
const nothingToPay = 'nothing-to-pay';

type Intent = Stripe.PaymentIntent;

export interface StripePaymentsOptions {
  readonly secretKey: string;
  /** Instead of Stripe's own address: a stand-in for tests. */
  readonly apiBase?: string;
  readonly requestMsMax?: number;
  readonly now?: () => number;
}

/** A void or refund that cannot be carried out yet: it stays in the outbox. */
export class PaymentUnsettled extends Error {
  override readonly name = 'PaymentUnsettled';
}

export class StripePayments implements PaymentProvider {
  readonly #stripe: Stripe;
  readonly #now: () => number;

  constructor(options: StripePaymentsOptions) {
    this.#now = options.now ?? Date.now;
    this.#stripe = new Stripe(options.secretKey, {
      ...addressOf(options.apiBase),
      timeout: options.requestMsMax ?? requestMsMax,
      maxNetworkRetries: 0, // the queue asks again, by its own limits
      telemetry: false,
    });
  }

  async charge(charge: Charge, signal: AbortSignal): Promise<ChargeOutcome> {
    if (charge.amount === 0) return { kind: 'approved', paymentId: nothingToPay };
    return orAborted(this.#charge(charge), signal);
  }

  async #charge({ key, amount, currency, token }: Charge): Promise<ChargeOutcome> {
    try {
      const intent = await this.#stripe.paymentIntents.create(
        {
          amount,
          currency: currency.toLowerCase(),
          payment_method: token,
          allowed_payment_method_types: ['card'],
          confirm: true,
          error_on_requires_action: true, // the buyer cannot answer the bank here
          metadata: { checkoutId: key },
        },
        { idempotencyKey: key },
      );
      return await this.#outcomeOf(intent);
    } catch (error) {
      return failedOutcome(error);
    }
  }

  async #outcomeOf(first: Intent): Promise<ChargeOutcome> {
    if (first.status === 'succeeded') return { kind: 'approved', paymentId: first.id };
    let intent: Intent = await this.#stripe.paymentIntents.retrieve(first.id);
    if (intent.status === 'requires_action') {
      // the buyer could still answer the bank, so it is no decline until it is cancelled
      intent = await this.#cancel(intent);
    }
    switch (intent.status) {
      case 'succeeded':
        return { kind: 'approved', paymentId: intent.id };
      case 'canceled':
      case 'requires_payment_method':
        return { kind: 'declined' };
      default:
        return { kind: 'unknown', why: `Stripe: ${intent.status}` };
    }
  }

  async void(key: string): Promise<void> {
    const ageMs = this.#now() - uuidTime(key);
    if (ageMs < keyLifeMs && (await this.#seal(key))) return;
    const intents = await this.#find(key);
    if (intents.length === 0 && ageMs < searchLagMsMax) {
      throw new PaymentUnsettled(`Stripe has a payment for ${key} and cannot find it yet`);
    }
    for (const intent of intents) await this.#undo(intent);
  }

  async refund(key: string, _method: string, paymentId: string | null): Promise<void> {
    if (paymentId === nothingToPay) return;
    if (paymentId !== null) return this.#giveBack(paymentId);
    const intents = await this.#find(key);
    if (intents.length === 0) throw new PaymentUnsettled(`Stripe finds no payment for ${key}`);
    for (const intent of intents) await this.#undo(intent);
  }

  /** True where the key was free, and is used up now; false where a charge has used it before. */
  async #seal(key: string): Promise<boolean> {
    try {
      const seal = await this.#stripe.paymentIntents.create(
        {
          amount: sealAmount,
          currency: 'usd',
          allowed_payment_method_types: ['card'],
          description: 'Given up before it was paid',
          metadata: { sealedCheckoutId: key },
        },
        { idempotencyKey: key },
      );
      await this.#cancel(seal);
      return true;
    } catch (error) {
      if (isKeyTaken(error)) return false;
      throw error;
    }
  }

  async #find(key: string): Promise<readonly Intent[]> {
    const query = `metadata['checkoutId']:'${key}'`;
    const { data } = await this.#stripe.paymentIntents.search({ query, limit: intentsMax });
    // what was found may be older than what is
    return Promise.all(data.map(({ id }) => this.#stripe.paymentIntents.retrieve(id)));
  }

  async #undo(intent: Intent): Promise<void> {
    if (intent.status === 'canceled') return;
    if (intent.status === 'succeeded') return this.#giveBack(intent.id);
    const after = await this.#cancel(intent);
    if (after.status === 'succeeded') return this.#giveBack(intent.id);
    if (after.status !== 'canceled') {
      throw new PaymentUnsettled(`Stripe: ${intent.id} is ${after.status}, neither paid nor not`);
    }
  }

  /** The intent as it is afterwards: cancelled, unless it went another way at the same time. */
  async #cancel({ id }: Intent): Promise<Intent> {
    try {
      return await this.#stripe.paymentIntents.cancel(id);
    } catch (error) {
      if (!(error instanceof Stripe.errors.StripeInvalidRequestError)) throw error;
      return this.#stripe.paymentIntents.retrieve(id);
    }
  }

  /** All of it. Without a key of its own: a second refund has nothing left to give back. */
  async #giveBack(intentId: string): Promise<void> {
    try {
      await this.#stripe.refunds.create({ payment_intent: intentId });
    } catch (error) {
      const { code } = error as { code?: string };
      if (code !== 'charge_already_refunded') throw error;
    }
  }
}

/** Stripe's package cannot break off a request; its late answer is found again by the key. */
function orAborted(asked: Promise<ChargeOutcome>, signal: AbortSignal): Promise<ChargeOutcome> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => resolve({ kind: 'unknown', why: 'aborted' }), {
      once: true,
    });
    asked.then(resolve, reject);
  });
}

/** Declined: the card, its token, or an amount that no card pays. Another wrong request throws. */
function failedOutcome(error: unknown): ChargeOutcome {
  const { errors } = Stripe;
  if (error instanceof errors.StripeCardError) return { kind: 'declined' };
  if (error instanceof errors.StripeInvalidRequestError) {
    if (error.param?.startsWith('payment_method') === true) return { kind: 'declined' };
    if (error.code === 'amount_too_large') return { kind: 'declined' };
    throw error;
  }
  if (error instanceof errors.StripeError) {
    return { kind: 'unknown', why: `Stripe: ${error.type}: ${error.message}` };
  }
  throw error;
}

/** The key has begun another request: not the same as one that is under way just now. */
function isKeyTaken(error: unknown): boolean {
  if (!(error instanceof Stripe.errors.StripeError)) return false;
  return error.rawType === 'idempotency_error' && error.code !== 'idempotency_key_in_use';
}

function addressOf(apiBase: string | undefined) {
  if (apiBase === undefined) return {};
  const { protocol, hostname, port } = new URL(apiBase);
  const isPlain = protocol === 'http:';
  return {
    protocol: isPlain ? ('http' as const) : ('https' as const),
    host: hostname,
    port: port === '' ? (isPlain ? 80 : 443) : Number(port),
  };
}
