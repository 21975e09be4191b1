/**
 * Admission: whose purchase need not wait in the queue, because its answer is known now. The crowd
 * that must lose is refused here, in memory. A refusal here binds no key, so it must not be given
 * to a checkout that was accepted before: its key is looked up first.
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

/** Below this rate (checkouts/s) the measured drain rate says more of the arrivals than of us. */
const drainRateMin = 100;
/** A rate that stands for none. */
const rateMin = 0.001;
/** Where the oldest has waited for longer, the queue does not move as it should. */
const stalledSeconds = 1;
/** A payment is answered within this, or put off. */
const paymentSecondsMax = 5;

/** What is bought, as it is stored with the checkout (JSON of a CheckoutRequest), or why not. */
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
  /** Null while no orders instance has sent them. */
  figures(): QueueFigures | null;
  /** Null where there is no such cart. */
  cart(id: string): Promise<CartAnswer | null>;
  /** True only where this key was certainly never accepted. */
  neverAccepted(key: string): boolean;
  /** Asks the orders service whether this key was accepted. */
  wasAccepted(asked: AskedKey): Promise<boolean>;
  /** A longer queue than this is not joined. */
  readonly queueSecondsMax: number;
  /** Null where clients are not limited. */
  readonly open: OpenCheckouts | null;
}

/** A checkout that asks to be admitted. */
export interface Candidate {
  readonly id: string;
  /** What its client is counted by. */
  readonly network: string;
}

export class Admission {
  readonly #ports: AdmissionPorts;

  constructor(ports: AdmissionPorts) {
    this.#ports = ports;
  }

  /** At once where everything is known, which it nearly always is. */
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

  /** Whoever was accepted before must get that answer again, whatever the shop would say now. */
  #unlessAccepted(
    purchase: Purchase,
    { id }: Candidate,
    admitted: Admitted,
  ): Admitted | Promise<Admitted> {
    const { key, text } = purchase;
    if (!(admitted instanceof Problem) || this.#ports.neverAccepted(key)) return admitted;
    // sent to the queue nevertheless, which knows the key and stores nothing
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
 * Seconds until so many places at the head of the queue are taken up. Where the oldest has waited
 * for long, the measured rate is all that the workers can do just now. It may be near zero: then
 * the best that is known is that it will take about as long again as it took so far.
 */
function secondsFor(places: number, { servicePerSecond, oldestAgeSeconds }: QueueFigures): number {
  const atBest = places / Math.max(drainRateMin, servicePerSecond);
  if (oldestAgeSeconds < stalledSeconds) return atBest;
  return Math.max(atBest, Math.min(oldestAgeSeconds, places / Math.max(rateMin, servicePerSecond)));
}

/** Seconds until a checkout that joins now is taken up. */
export function waitSeconds(figures: QueueFigures): number {
  return secondsFor(figures.depth, figures);
}

/** A promise that cannot be kept is not made: Problem 503 with `Retry-After`, or null. */
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
  /** When its payment is asked for again (Unix milliseconds); null where it was not put off. */
  readonly retryAt: number | null;
}

/** Place in line and seconds to go for a checkout that is not decided. */
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
  // a worker has it: what may take long now is its payment
  return eta(1, Math.min(paymentSecondsMax, (now - uuidTime(id)) / 1_000));
}
