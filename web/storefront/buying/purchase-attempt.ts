/**
 * One attempt to buy, as the browser remembers it. It never buys twice, because:
 *
 *   none --submit--> sent --201--> placed            (forgotten: the order is known)
 *                     |  --202--> queued(checkoutId) (remembered until it is decided)
 *                     |  --402, 409, 4xx--> none     (refused for good: a next try is a new key)
 *                     |  --429, 503--> sent          (crowded: asks again, same key and body)
 *                     '  --silence, 5xx--> sent      (unknown: asks again, same key and body)
 *
 * The key and the body are stored before the first byte leaves, in sessionStorage, so that a
 * reload finds them and asks again instead of buying again. While an attempt is in doubt, that is
 * while an earlier send may have been accepted, nothing but the very same request may leave, and
 * the shopper cannot give it up: a changed form would be a second purchase. Only the shop's own
 * word that its queue is full takes the doubt away, since it looks for the key before it says so.
 */
import type { PlacedOrder, PurchaseRequest } from '../../../src/api/order.ts';
import { type Answer, problemKind } from './ask-shop.ts';

export interface PurchaseAttempt {
  readonly key: string;
  readonly request: PurchaseRequest;
  /** Milliseconds since the epoch when the shopper pressed the button. */
  readonly at: number;
  /** An earlier send may have been accepted although its answer was lost. */
  readonly inDoubt: boolean;
  /** Set once the shop accepted it into the queue. */
  readonly checkoutId?: string;
}

export type Outcome =
  | { readonly kind: 'placed'; readonly order: PlacedOrder }
  | { readonly kind: 'queued'; readonly checkoutId: string }
  | {
      readonly kind: 'refused';
      readonly reason: string;
      readonly answer: Extract<Answer, { kind: 'problem' }>;
    }
  | { readonly kind: 'crowded'; readonly waitSeconds: number; readonly doubt: 'none' | 'as-before' }
  | { readonly kind: 'unknown' };

/** The one refusal for which the shop first looks whether it knows the key. */
const queueFull = 'queue-full';
/** Refused before anybody looked at the purchase: whether the session lives cannot be asked. */
const signInUnchecked = 'sign-in-unchecked';
const waitSecondsDefault = 3;
const waitSecondsMax = 60;
/** A reload within this time goes on asking by itself; later the shopper presses the button. */
const resumeMsMax = 120_000;

/** What an answer to `POST /api/orders` means for the attempt. */
export function outcomeOf(answer: Answer): Outcome {
  if (answer.kind === 'silence') return { kind: 'unknown' };
  if (answer.kind === 'ok') {
    const { id, number } = (answer.body ?? {}) as { id?: unknown; number?: unknown };
    if (typeof number === 'string') return { kind: 'placed', order: answer.body as PlacedOrder };
    return typeof id === 'string' ? { kind: 'queued', checkoutId: id } : { kind: 'unknown' };
  }
  if (answer.status === 429 || answer.status === 503) {
    const seconds = answer.retryAfterSeconds ?? waitSecondsDefault;
    const reason = problemKind(answer.problem);
    const isKnown = reason === queueFull || reason === signInUnchecked;
    if (answer.status === 503 && !isKnown) return { kind: 'unknown' };
    const waitSeconds = Math.min(Math.max(1, seconds), waitSecondsMax);
    return { kind: 'crowded', waitSeconds, doubt: reason === queueFull ? 'none' : 'as-before' };
  }
  if (answer.status >= 500) return { kind: 'unknown' };
  return { kind: 'refused', reason: problemKind(answer.problem), answer };
}

/** What must be remembered while the request is under way: the page may end before the answer. */
export function attemptUnderWay(attempt: PurchaseAttempt): PurchaseAttempt {
  return { ...attempt, inDoubt: true };
}

/** What stays remembered after an outcome, given the attempt as it was before it was sent. */
export function attemptAfter(attempt: PurchaseAttempt, outcome: Outcome): PurchaseAttempt | null {
  if (outcome.kind === 'placed' || outcome.kind === 'refused') return null;
  if (outcome.kind === 'queued') return { ...attempt, checkoutId: outcome.checkoutId };
  if (outcome.kind === 'unknown') return { ...attempt, inDoubt: true };
  return { ...attempt, inDoubt: outcome.doubt === 'as-before' && attempt.inDoubt };
}

export function shouldResume(attempt: PurchaseAttempt, now: number): boolean {
  return attempt.checkoutId === undefined && now - attempt.at < resumeMsMax;
}
