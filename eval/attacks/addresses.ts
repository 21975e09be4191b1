/** Requests for other shops, and other spellings of this one's addresses. */
import { randomUUID } from 'node:crypto';
import { deliver, statusOf } from '../fuzz/send-malformed.ts';
import type { Attack } from './attack.ts';
import { purchaseBody } from './purchase-body.ts';
import { addressOf, sendRequest } from './send-request.ts';

const hostHeads: readonly string[] = [
  'Host: evil.example',
  'Host: 127.0.0.1\r\nHost: evil.example',
  'Host: evil.example\r\nHost: 127.0.0.1',
  'Host: 127.0.0.1\r\nX-Forwarded-Host: evil.example',
  'Host: 127.0.0.1:99999999',
  'Host: evil.example@127.0.0.1',
  'X-No-Host: 1',
];

const spellings: readonly string[] = [
  '/api/%6frders',
  '/%61pi/orders',
  '/api//orders',
  '/api/./orders',
  '/api/carts/../orders',
  '/api/orders/',
  '/api/orders?.css',
  '/api/orders;.css',
  '/api/orders%3f.js',
  '//api/orders',
];

export const hostAttack: Attack = {
  name: 'foreign and doubled Host',
  senders: 16,
  requestsPerSecond: 100,
  async send({ port }, n) {
    const head = `GET /?n=${n} HTTP/1.1\r\n${hostHeads[n % hostHeads.length]}\r\n\r\n`;
    const bytes = Buffer.from(head);
    const delivery = { name: 'host', bytes, cutAt: bytes.length, waits: true, ending: 'fin' };
    return statusOf((await deliver(port, { ...delivery, ending: 'fin' })).answer);
  },
};

/** Runs against a shop with a waiting room: who gets in must be no more than it lets in. */
export const waitingRoomAttack: Attack = {
  name: 'ways around the waiting room',
  senders: 40,
  requestsPerSecond: 100,
  async send({ port, sku }, n) {
    const { status } = await sendRequest(port, {
      from: addressOf(70, n, 100),
      path: spellings[n % spellings.length] ?? '/',
      headers: { 'idempotency-key': randomUUID(), prefer: 'wait=5' },
      body: purchaseBody(sku, `early-${n}@example.com`, 'tok_ok'),
    });
    return status;
  },
};
