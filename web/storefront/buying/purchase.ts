/**
 * Carries an attempt out against the shop and remembers it before and after. All decisions are in
 * purchase-attempt.ts; here is only storage and network.
 */
import type { PurchaseRequest } from '../../../src/api/order.ts';
import { askShop } from './ask-shop.ts';
import { forgetCart } from './cart.ts';
import {
  attemptAfter,
  attemptUnderWay,
  type Outcome,
  outcomeOf,
  type PurchaseAttempt,
} from './purchase-attempt.ts';
import { keepAttempt, keepTicket } from './session-memory.ts';

const holdSeconds = 10;
/** The answer is held for `holdSeconds`; what takes longer than this is silence. */
const deadlineMs = 25_000;

export function newAttempt(request: PurchaseRequest): PurchaseAttempt {
  return { key: randomKey(), request, at: Date.now(), inDoubt: false };
}

/** 128 random bits. `crypto.randomUUID` is missing where the page came over plain HTTP. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

export interface Sent {
  readonly outcome: Outcome;
  /** What is left of the attempt; null once it is over. */
  readonly attempt: PurchaseAttempt | null;
}

/** Sends the attempt, for the first time or again: the key makes that the same. */
export async function sendAttempt(attempt: PurchaseAttempt): Promise<Sent> {
  keepAttempt(attemptUnderWay(attempt));
  const answer = await askShop('/api/orders', {
    method: 'POST',
    body: attempt.request,
    headers: { 'idempotency-key': attempt.key, prefer: `wait=${holdSeconds}` },
    deadlineMs,
    keepalive: true,
  });
  const outcome = outcomeOf(answer);
  const left = attemptAfter(attempt, outcome);
  keepAttempt(left);
  if (outcome.kind === 'placed') {
    keepTicket(outcome.order);
    if (attempt.request.cartId !== undefined) forgetCart();
  }
  return { outcome, attempt: left };
}

/** The shopper gives an attempt up; it must not be in doubt. */
export function giveUpAttempt(): void {
  keepAttempt(null);
}

/** Without a token the page is for whoever is signed in, or knows the order on this device. */
export function orderAddress({ number, token }: { number: string; token?: string }): string {
  const query = token === undefined ? '' : `?token=${encodeURIComponent(token)}`;
  return `/orders/${encodeURIComponent(number)}${query}`;
}

export function waitingAddress(checkoutId: string): string {
  return `/checkouts/${encodeURIComponent(checkoutId)}`;
}
