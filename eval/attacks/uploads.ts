/** Bodies: slow, broken, senseless, and sensible ones that are costly to read. */
import { connect } from 'node:net';
import { endpoints } from '../../src/api/openapi.ts';
import { brokenDelivery } from '../fuzz/broken-delivery.ts';
import { seededRandom } from '../fuzz/malformed-requests.ts';
import { deliver, statusOf } from '../fuzz/send-malformed.ts';
import type { Attack, AttackTarget } from './attack.ts';
import { addressOf, sendRequest } from './send-request.ts';

const kibibyte = 1_024;
const descriptionBytes = 498 * kibibyte;
const dripMs = 1_000;
const withBody = endpoints.filter(({ body }) => body !== undefined);
const random = seededRandom(1);

/** Half a megabyte each. */
const costlyDescriptions: readonly string[] = [
  fill('<div>'),
  fill('<b><i><u>'),
  fill('<table><tr><td>'),
  fill('<p x="'),
  fill('<!--'),
  fill('&amp;<'),
];

function fill(text: string): string {
  return text.repeat(Math.floor(descriptionBytes / text.length));
}

const garbage: readonly string[] = [
  '['.repeat(64 * kibibyte),
  `{"lines":[${'{"sku":"x","quantity":1},'.repeat(2_500)}{}]}`,
  `{"email":"${'a@'.repeat(30 * kibibyte)}"}`,
  `{${Array.from({ length: 5_000 }, (_, at) => `"k${at}":0`).join(',')}}`,
  `{"__proto__":${'{"a":'.repeat(10_000)}0${'}'.repeat(10_000)}}`,
];
const bodyPaths = ['/api/orders', '/api/carts', '/api/sessions', '/api/customers'];

async function importDescription({ port, staffCookie }: AttackTarget, n: number): Promise<number> {
  const html = (costlyDescriptions[n % costlyDescriptions.length] ?? '').replaceAll('"', '""');
  const { status } = await sendRequest(port, {
    from: addressOf(60, 0, 1),
    path: '/api/admin/products/import',
    headers: { 'content-type': 'text/csv', cookie: staffCookie },
    body: `Handle,Title,Body (HTML)\ncostly-${n % 20},Costly,"${html}"\n`,
  });
  return status;
}

/** A byte a second, until somebody has enough. */
function uploadSlowly(port: number, from: string, n: number, over: AbortSignal): Promise<number> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect({ port, host: '127.0.0.1', localAddress: from });
    const drip = setInterval(() => socket.write('x'), dripMs);
    const leave = (): void => void socket.destroy();
    over.addEventListener('abort', leave);
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.on('error', () => {}); // a close follows
    socket.on('close', () => {
      clearInterval(drip);
      over.removeEventListener('abort', leave);
      resolve(statusOf(answer));
    });
    const path = bodyPaths[n % bodyPaths.length];
    socket.write(
      `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n` +
        `idempotency-key: slow-${n}\r\ncontent-length: 60000\r\n\r\n{`,
    );
  });
}

export const uploadAttacks: readonly Attack[] = [
  {
    name: 'staff imports descriptions of nested tags',
    senders: 2,
    requestsPerSecond: 2,
    send: importDescription,
  },
  {
    name: '500 slow uploads',
    senders: 500,
    requestsPerSecond: 50,
    send: ({ port }, n, over) => uploadSlowly(port, addressOf(61, n, 10), n, over),
  },
  {
    name: 'uploads that break off',
    senders: 16,
    requestsPerSecond: 50,
    async send({ port }) {
      return statusOf((await deliver(port, brokenDelivery(withBody, random))).answer);
    },
  },
  {
    name: '64 KB of garbage',
    senders: 20,
    requestsPerSecond: 100,
    async send({ port }, n) {
      const { status } = await sendRequest(port, {
        from: addressOf(62, n, 4),
        path: bodyPaths[n % bodyPaths.length] ?? '/',
        headers: { 'idempotency-key': `garbage-${n}` },
        body: garbage[n % garbage.length],
      });
      return status;
    },
  },
];
