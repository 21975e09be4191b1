/** Questions that no cache can answer, and answers that do not end. */
import { randomUUID } from 'node:crypto';
import type { Attack } from './attack.ts';
import { purchaseBody } from './purchase-body.ts';
import { addressOf, sendRequest } from './send-request.ts';

const streamAddresses = 20;
const searchAddresses = 50;

/** A UUID of this moment: it could be a checkout. */
function possibleCheckout(): string {
  const time = Date.now().toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}

/** Hard for an index of words and of trigrams, and never the same twice. */
function costlySearch(n: number): string {
  const words = [
    Array.from({ length: 40 }, (_, at) => `te${at}y${n}`).join(' '),
    `${'a'.repeat(200)}${n}`,
    `%_%_%${n} ${'%'.repeat(100)}`,
    `${'te de be '.repeat(20)}${n}`,
    `a${n} OR b & !c <-> (d | e):* "`,
  ];
  return encodeURIComponent(words[n % words.length] ?? '');
}

export const lookUpAttacks: readonly Attack[] = [
  {
    name: 'look-ups of checkouts',
    senders: 50,
    requestsPerSecond: 300,
    async send({ port }, n) {
      const path = `/api/checkouts/${possibleCheckout()}`;
      return (await sendRequest(port, { from: addressOf(40, n, 2), path })).status;
    },
  },
  {
    name: `costly searches, ${searchAddresses} addresses`,
    senders: 20,
    requestsPerSecond: 60,
    async send({ port }, n) {
      const path = `/api/products?search=${costlySearch(n)}`;
      return (await sendRequest(port, { from: addressOf(42, n, searchAddresses), path })).status;
    },
  },
  {
    name: 'costly searches on pages, one address',
    senders: 20,
    requestsPerSecond: 60,
    async send({ port }, n) {
      const path = `/search?q=${costlySearch(n)}`;
      return (await sendRequest(port, { from: addressOf(43, 0, 1), path })).status;
    },
  },
];

/** Its payments are never answered, so its checkouts stay undecided. */
export const streamAttack: Attack = {
  name: '400 event streams of undecided checkouts',
  senders: 400,
  requestsPerSecond: 50,
  async send({ port, sku }, n, over) {
    const from = addressOf(41, n, streamAddresses);
    const bought = await sendRequest(port, {
      from,
      path: '/api/orders',
      headers: { 'idempotency-key': randomUUID(), prefer: 'respond-async' },
      body: purchaseBody(sku, `stream-${n}@example.com`, 'tok_timeout'),
    });
    const path = bought.headers.location;
    if (path === undefined) return bought.status;
    return (await sendRequest(port, { from, path: `${path}/events`, over })).status;
  },
};
