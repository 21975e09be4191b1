import { expect, it } from 'vitest';
import type { Decision } from '../shop/checkout.ts';
import { answerOf, decidedStatus } from './purchase-answer.ts';

const id = '0198c0de-0000-7000-8000-000000000001';
const decision: Decision = {
  kind: 'placed',
  lines: [{ sku: 'BEAR-S', title: 'Teddy Bear', quantity: 1, unitPrice: 1_299 }],
  total: 1_299,
  currency: 'USD',
  paymentId: 'pay-1',
  placedAt: 1_800_000_000_000,
};

it('brings an order’s token to its buyer, and to nobody who looks the checkout up', () => {
  const answer = JSON.parse(answerOf(id, 7, 'secret', decision).body);
  const { order } = decidedStatus(id, 7, decision);
  expect(answer.token).toBe('secret');
  expect({ ...order, token: 'secret' }).toEqual(answer);
  expect(JSON.stringify(order)).not.toContain('token');
});
