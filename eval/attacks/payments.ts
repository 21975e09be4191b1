/** Purchases that are accepted and whose payment is never answered. */
import { randomUUID } from 'node:crypto';
import type { Attack, AttackTarget } from './attack.ts';
import { purchaseBody } from './purchase-body.ts';
import { addressOf, sendRequest } from './send-request.ts';

const many = 500;

async function buyUnanswered(
  { port, sku }: AttackTarget,
  from: string,
  n: number,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  const { status } = await sendRequest(port, {
    from,
    path: '/api/orders',
    headers: { 'idempotency-key': randomUUID(), prefer: 'respond-async', ...headers },
    body: purchaseBody(sku, `dead-${n}@example.com`, 'tok_timeout'),
  });
  return status;
}

export const paymentAttacks: readonly Attack[] = [
  {
    name: 'unanswered payments, one address',
    senders: 60,
    requestsPerSecond: 40,
    send: (target, n) => buyUnanswered(target, addressOf(20, 0, 1), n),
  },
  {
    name: 'unanswered payments, made-up addresses of a proxy',
    senders: 60,
    requestsPerSecond: 40,
    send: (target, n) => {
      const madeUp = `2001:db8:${(n % 65_536).toString(16)}::1`;
      return buyUnanswered(target, addressOf(21, 0, 1), n, {
        'x-forwarded-for': madeUp,
        forwarded: `for="[${madeUp}]";proto=https`,
      });
    },
  },
  {
    name: `unanswered payments, ${many} addresses`,
    senders: 300,
    requestsPerSecond: 100,
    send: (target, n) => buyUnanswered(target, addressOf(22, n, many), n),
  },
];
