/**
 * Carries an attempt out against the shop and remembers it before and after. All decisions are in
 * purchase-attempt.ts; here is only storage and network.
 */
import type { PurchaseRequest } from '../../../src/api/order.ts';
import { askShop } from './ask-shop.ts';
import { emptyCart } from './cart.ts';
import { attemptAfter, type Outcome, outcomeOf, type PurchaseAttempt } from './purchase-attempt.ts';
import { keepAttempt, keepTicket } from './session-memory.ts';

const holdSeconds = 10;
/** The answer is held for `holdSeconds`; what takes longer than this is silence. */
const deadlineMs = 25_000;

/** A new attempt, remembered before anything is sent. */
export function startAttempt(request: PurchaseRequest): PurchaseAttempt {
  const attempt = { key: crypto.randomUUID(), request, at: Date.now() };
  keepAttempt(attempt);
  return attempt;
}

/** Sends the attempt, for the first time or again: the key makes that the same. */
export async function sendAttempt(attempt: PurchaseAttempt): Promise<Outcome> {
  const answer = await askShop('/api/orders', {
    method: 'POST',
    body: attempt.request,
    headers: { 'idempotency-key': attempt.key, prefer: `wait=${holdSeconds}` },
    deadlineMs,
    keepalive: true,
  });
  const outcome = outcomeOf(answer);
  keepAttempt(attemptAfter(attempt, outcome));
  if (outcome.kind === 'placed') {
    keepTicket(outcome.order);
    if (attempt.request.cartId !== undefined) await emptyCart();
  }
  return outcome;
}

/** The shopper gives an attempt up that the shop has not accepted. */
export function giveUpAttempt(): void {
  keepAttempt(null);
}

export function orderAddress({ number, token }: { number: string; token: string }): string {
  return `/orders/${encodeURIComponent(number)}?token=${encodeURIComponent(token)}`;
}

export function waitingAddress(checkoutId: string): string {
  return `/checkouts/${encodeURIComponent(checkoutId)}`;
}
