/**
 * Admission: refuses a purchase before the queue if its answer is already known, for example sold
 * out. After a sell-out nearly all purchases are refused here, in memory. A refusal is not stored
 * under the Idempotency-Key, so a purchase that was accepted before must not get one: its key is
 * looked up first.
 */
import type { QueueFigures } from '../../../api/internal/orders-routes.ts';
import type { Clock } from '../../../kit/clock.ts';
import { type FieldError, invalid, Problem, unavailable } from '../../../kit/http/problem.ts';
import { uuidTime } from '../../../kit/uuid-v7.ts';
import type { AskedKey } from '../../../queue/postgres-queue.ts';
import type { CartVersion, CheckoutLine } from '../../../shop/checkout.ts';
import type { StockBoard } from '../cache/stock-board.ts';
import type { OpenCheckouts } from './open-checkouts.ts';
import { checkoutRequestText, type Purchase, requestHash } from './purchase-request.ts';

/** Below this rate (checkouts/s) the measured rate is that of the arrivals, not of the workers. */
const drainRateMin = 100;
/** Stands for a rate of 0 (checkouts/s). */
const rateMin = 0.001;
/** If the oldest has waited for longer, the queue is stalled. */
const stalledSeconds = 1;
/** A payment that takes longer is postponed. */
const paymentSecondsMax = 5;

/** JSON of the CheckoutRequest that is stored with the checkout, or why the purchase is refused. */
export type Admitted = string | Problem;

export interface CartAnswer {
  readonly customerId: string | null;
  readonly lines: readonly CheckoutLine[];
  /** Null for a cart that is still empty. */
  readonly cart: CartVersion | null;
}

export interface AdmissionPorts {
  readonly time: Clock;
  readonly stock: Pick<StockBoard, 'knowsAll' | 'firstUnknown' | 'soldOut'>;
  /** Null until an orders instance has sent them. */
  figures(): QueueFigures | null;
  /** Null where there is no such cart. */
  cart(id: string): Promise<CartAnswer | null>;
  /** True only if this key was certainly never accepted. */
  neverAccepted(key: string): boolean;
  /** Asks the orders service whether this key was accepted. */
  wasAccepted(asked: AskedKey): Promise<boolean>;
  /** A purchase that would wait longer is refused. */
  readonly queueSecondsMax: number;
  /** Null where clients are not limited. */
  readonly open: OpenCheckouts | null;
}

/** A checkout before its admission. */
export interface Candidate {
  readonly id: string;
  /** By which its client is counted. */
  readonly network: string;
}

export class Admission {
  readonly #ports: AdmissionPorts;

  constructor(ports: AdmissionPorts) {
    this.#ports = ports;
  }

  /** A promise only if something must be looked up, which is rare. */
  admit(purchase: Purchase, candidate: Candidate): Admitted | Promise<Admitted> {
    const { lines } = purchase.request;
    const { stock, open } = this.#ports;
    if (open?.seemsFull(candidate.network)) return this.#admitIfNotFull(purchase, candidate, open);
    if (lines === undefined) return this.#admitCart(purchase, candidate);
    if (!stock.knowsAll(lines)) return this.#admitUnseen(purchase, candidate, lines);
    return this.#unlessAccepted(purchase, candidate, this.#judge(purchase, candidate, { lines }));
  }

  async #admitIfNotFull(
    purchase: Purchase,
    candidate: Candidate,
    open: OpenCheckouts,
  ): Promise<Admitted> {
    const refusal = await open.refuseIfFull(candidate.network, this.#ports.time.now());
    if (refusal !== null) return this.#unlessAccepted(purchase, candidate, refusal);
    return this.admit(purchase, candidate);
  }

  async #admitCart(purchase: Purchase, candidate: Candidate): Promise<Admitted> {
    const found = await this.#findCart(purchase);
    const admitted = found instanceof Problem ? found : this.#judge(purchase, candidate, found);
    return this.#unlessAccepted(purchase, candidate, admitted);
  }

  async #admitUnseen(
    purchase: Purchase,
    candidate: Candidate,
    lines: readonly CheckoutLine[],
  ): Promise<Admitted> {
    const unknown = await this.#ports.stock.firstUnknown(lines.map(({ sku }) => sku));
    if (unknown === null) {
      return this.#unlessAccepted(purchase, candidate, this.#judge(purchase, candidate, { lines }));
    }
    const path = `lines.${lines.findIndex(({ sku }) => sku === unknown)}.sku`;
    const refusal = invalid([{ path, message: `the shop does not sell ${unknown}` }]);
    return this.#unlessAccepted(purchase, candidate, refusal);
  }

  #judge(
    purchase: Purchase,
    { id, network }: Candidate,
    { lines, cart = null }: Pick<CartAnswer, 'lines'> & Partial<CartAnswer>,
  ): Admitted {
    const { stock, figures, queueSecondsMax, open } = this.#ports;
    const gone = lines.find(({ sku }) => stock.soldOut(sku)?.available === 0);
    if (gone !== undefined) return soldOutProblem({ sku: gone.sku, available: 0 });
    const refusal = tooLong(figures(), queueSecondsMax);
    if (refusal !== null) return refusal;
    open?.enter(network, id, unitsOf(lines));
    return checkoutRequestText(purchase, lines, cart ?? undefined);
  }

  /**
   * A purchase that was accepted before gets that answer again, also if it would be refused now.
   */
  #unlessAccepted(
    purchase: Purchase,
    { id }: Candidate,
    admitted: Admitted,
  ): Admitted | Promise<Admitted> {
    const { key, text } = purchase;
    if (!(admitted instanceof Problem) || this.#ports.neverAccepted(key)) return admitted;
    // an accepted one goes to the queue, which knows its key and stores nothing
    return this.#ports
      .wasAccepted({ id, key, hash: requestHash(purchase) })
      .then((known) => (known ? text : admitted));
  }

  async #findCart({ request, customer }: Purchase): Promise<CartAnswer | Problem> {
    let cart: CartAnswer | null;
    try {
      cart = await this.#ports.cart(request.cartId ?? '');
    } catch (error) {
      return error instanceof Problem ? error : unavailable('carts cannot be read now');
    }
    if (cart === null) return invalid([cartError('there is no such cart')]);
    if (cart.customerId !== null && cart.customerId !== customer) {
      return invalid([cartError('is not yours')]);
    }
    return cart.lines.length > 0 ? cart : invalid([cartError('is empty')]);
  }
}

function unitsOf(lines: readonly CheckoutLine[]): number {
  let units = 0;
  for (const { quantity } of lines) units += quantity;
  return units;
}

function cartError(message: string): FieldError {
  return { path: 'cartId', message };
}

export function soldOutProblem({ sku, available }: { sku: string; available: number }): Problem {
  return new Problem(409, 'sold-out', 'Sold out', {
    detail: 'There is not enough left. Nothing was charged. Choose fewer or another item.',
    sku,
    available,
  });
}

/**
 * Seconds until the first `places` checkouts of the queue are processed. If the oldest has waited
 * for long, the measured rate is all that the workers can do now. It may be near 0: then the
 * estimate is that it takes as long again as the oldest has waited so far.
 */
function secondsFor(places: number, { servicePerSecond, oldestAgeSeconds }: QueueFigures): number {
  const atBest = places / Math.max(drainRateMin, servicePerSecond);
  if (oldestAgeSeconds < stalledSeconds) return atBest;
  return Math.max(atBest, Math.min(oldestAgeSeconds, places / Math.max(rateMin, servicePerSecond)));
}

/** Seconds until a checkout that joins the queue now is processed. */
export function waitSeconds(figures: QueueFigures): number {
  return secondsFor(figures.depth, figures);
}

/** Problem 503 with `Retry-After` if a checkout would wait longer than that, else null. */
export function tooLong(figures: QueueFigures | null, waitSecondsMax: number): Problem | null {
  if (figures === null) return null;
  const seconds = waitSeconds(figures);
  if (seconds <= waitSecondsMax) return null;
  const retryAfter = Math.max(1, Math.ceil(seconds - waitSecondsMax));
  return new Problem(
    503,
    'queue-full',
    'The queue is too long just now',
    {
      detail: `${figures.depth} purchases wait, some ${Math.ceil(seconds)} s. Nothing was charged.`,
      queueDepth: figures.depth,
    },
    { 'retry-after': String(Math.min(60, retryAfter)) },
  );
}

export interface WaitingCheckout {
  readonly id: string;
  readonly seq: number;
  /** When its payment is tried again (Unix milliseconds); null where it was not postponed. */
  readonly retryAt: number | null;
}

/** Position in the queue and estimated seconds for a checkout that is not decided. */
export function placeInLine(
  { id, seq, retryAt }: WaitingCheckout,
  figures: QueueFigures | null,
  now: number,
): { position: number; etaSeconds: number } {
  const eta = (position: number, seconds: number) => {
    return { position, etaSeconds: Math.max(1, Math.ceil(seconds)) };
  };
  if (retryAt !== null && retryAt > now) return eta(1, (retryAt - now) / 1_000);
  if (figures === null) return eta(1, 1);
  if (seq >= figures.head) {
    const position = seq - figures.head + 1;
    return eta(position, secondsFor(position, figures));
  }
  // a worker processes it: only its payment may take long now
  return eta(1, Math.min(paymentSecondsMax, (now - uuidTime(id)) / 1_000));
}
