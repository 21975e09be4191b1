/** Rows that anybody may make the shop keep: guests' carts, and keys that others might use. */
import type { Attack } from './attack.ts';
import { purchaseBody } from './purchase-body.ts';
import { addressOf, sendRequest } from './send-request.ts';

const cartAddresses = 50;

export const rowAttacks: readonly Attack[] = [
  {
    name: `guests’ carts, ${cartAddresses} addresses`,
    senders: 30,
    requestsPerSecond: 200,
    async send({ port, sku }, n) {
      const body = { lines: [{ sku, quantity: 1 }] };
      const from = addressOf(50, n, cartAddresses);
      return (await sendRequest(port, { from, path: '/api/carts', body })).status;
    },
  },
  {
    name: 'squatting on the next buyers’ keys',
    senders: 20,
    requestsPerSecond: 20,
    async send({ port, sku, keyPrefix }, n) {
      const { status } = await sendRequest(port, {
        from: addressOf(51, 0, 1),
        path: '/api/orders',
        headers: { 'idempotency-key': `${keyPrefix}${n}`, prefer: 'wait=5' },
        body: purchaseBody(sku, `squatter-${n}@example.com`, 'tok_declined'),
      });
      return status;
    },
  },
];
