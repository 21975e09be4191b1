/**
 * Checkouts and decisions as tests need them, and a queue of which one token holds everything.
 */
import { randomUUID } from 'node:crypto';
import { uuidV7 } from '../../src/kit/uuid-v7.ts';
import type {
  ClaimedCheckout,
  DecidedCheckout,
  NewCheckout,
  PurchaseQueue,
} from '../../src/queue/purchase-queue.ts';
import type { Decision } from '../../src/shop/checkout.ts';

export type Open = () => Promise<PurchaseQueue>;

/** Where a test's clock begins. */
export const start = 1_800_000_000_000;
export const leaseMs = 10_000;

export function newCheckout(given: Partial<NewCheckout> = {}): NewCheckout {
  return {
    id: uuidV7(start),
    key: randomUUID(),
    hash: randomUUID(),
    customer: null,
    expires: start + 600_000,
    request: {
      lines: [{ sku: 'BEAR-S', quantity: 1 }],
      email: 'ada@example.com',
      shippingAddress: {
        name: 'Zoë "the Countess" O\\Hara 🧸',
        line1: '12 St James Square',
        city: 'London',
        postalCode: 'SW1Y 4JH',
        country: 'GB',
      },
      payment: { method: 'test', token: 'tok_ok' },
    },
    ...given,
  };
}

export function newCheckouts(count: number): NewCheckout[] {
  return Array.from({ length: count }, () => newCheckout());
}

export const placed = {
  kind: 'placed' as const,
  lines: [{ sku: 'BEAR-S', title: 'Teddy Bear', quantity: 1, unitPrice: 1_299 }],
  total: 1_299,
  currency: 'USD',
  paymentId: 'pay-1',
  placedAt: start + 5,
} satisfies Decision;

export const soldOut: Decision = {
  kind: 'rejected',
  rejection: { reason: 'sold-out', sku: 'BEAR-S', available: 0 },
};

export function decided(
  { seq, id, customer }: ClaimedCheckout,
  decision: Decision,
  aftermath: Partial<DecidedCheckout['aftermath']> = {},
): DecidedCheckout {
  const follows = { releaseStock: false, voidPayment: false, emptyCart: false, ...aftermath };
  return { seq, id, customer, decision, aftermath: follows };
}

export const idsOf = (batch: readonly { readonly id: string }[]): string[] =>
  batch.map(({ id }) => id);
export const seqsOf = (batch: readonly { readonly seq: number }[]): number[] =>
  batch.map(({ seq }) => seq);
export const sorted = (seqs: readonly number[]): number[] => seqs.toSorted((a, b) => a - b);

/** Accepts and claims: a queue of which one token holds everything. */
export async function heldBy(queue: PurchaseQueue, token: string, count: number) {
  await queue.accept(newCheckouts(count));
  return queue.claim({ token, limit: count, retriesMax: 9, leaseMs, now: start });
}
