/** Sends malformed and broken requests, a connection each, and sums up what came back. */
import { connect } from 'node:net';
import type { Endpoint } from '../../src/api/endpoint.ts';
import { brokenDelivery, type Delivery } from './broken-delivery.ts';
import { malformedRequest, type Random, seededRandom } from './malformed-requests.ts';

const answerMsMax = 12_000;
/** A request that promises more than it sends is given this long before we hang up. */
const patienceMs = 300;
const laneCount = 16;
const nextRequest = 'GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n';

export interface FuzzOptions {
  readonly port: number;
  readonly endpoints: readonly Endpoint[];
  readonly requests: number;
  readonly seed: number;
  /** A session, so that the fuzz gets behind the doors for staff too. */
  readonly cookie?: string;
  /** Which of all requests are broken deliveries: from 0 to 1. */
  readonly brokenShare?: number;
}

export interface FuzzResult {
  /** By status; 0 is a connection that was closed without an answer. */
  readonly statuses: Readonly<Record<number, number>>;
  /** Requests that were answered 5xx, or not well: the defects. */
  readonly failures: readonly { readonly name: string; readonly answer: string }[];
  readonly slowestMs: number;
}

interface Reply {
  readonly answer: string;
  readonly milliseconds: number;
}

/** Resolves when the connection is gone, whoever ended it. */
export async function deliver(port: number, delivery: Delivery): Promise<Reply> {
  const { bytes, cutAt, waits, ending } = delivery;
  const startedAt = performance.now();
  return await new Promise((resolve) => {
    let answer = '';
    let answeredAt = startedAt;
    let isAnswered = false;
    const socket = connect(port, '127.0.0.1');
    const leave = (): void => {
      if (ending === 'reset') socket.resetAndDestroy();
      else socket.end();
    };
    const onData = (chunk: Buffer): void => {
      if (answer === '') answeredAt = performance.now();
      if (answer.length < 4_000) answer += chunk.toString('latin1');
      if (isAnswered || !/^HTTP\/1\.1 (?!100)/m.test(answer)) return;
      isAnswered = true;
      if (ending !== 'read') leave();
      else if (!/^connection: close/im.test(answer)) socket.write(nextRequest);
    };
    const hangUp = setTimeout(leave, ending === 'read' ? answerMsMax : patienceMs);
    const giveUp = setTimeout(() => socket.destroy(), answerMsMax);
    socket.on('data', onData).on('error', () => {});
    socket.on('close', () => {
      clearTimeout(hangUp);
      clearTimeout(giveUp);
      resolve({ answer, milliseconds: answeredAt - startedAt });
    });
    socket.write(bytes.subarray(0, cutAt), () => {
      if (ending !== 'read' && !waits) leave();
    });
  });
}

/** The last status of an answer: `100 Continue` may stand before it. */
export function statusOf(answer: string): number {
  const statuses = [...answer.matchAll(/(?:^|\n)HTTP\/1\.1 (\d{3})/g)];
  return Number(statuses.at(-1)?.[1] ?? 0);
}

/** A whole request is answered, and the next on its connection is served. */
function isWell({ ending }: Delivery, answer: string): boolean {
  const all = [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
  const [first = 0, next] = all.filter((status) => status !== 100);
  if (ending !== 'read') return first < 500;
  return first > 0 && first < 500 && (next === 200 || /^connection: close/im.test(answer));
}

function malformedDelivery(
  endpoints: readonly Endpoint[],
  random: Random,
  cookie?: string,
): Delivery {
  const { name, bytes } = malformedRequest(endpoints, random, cookie);
  return { name, bytes, cutAt: bytes.length, waits: true, ending: 'fin' };
}

export async function sendMalformed(options: FuzzOptions): Promise<FuzzResult> {
  const { port, endpoints, requests, seed, cookie, brokenShare = 0.2 } = options;
  const withBody = endpoints.filter(({ body }) => body !== undefined);
  const random = seededRandom(seed);
  const statuses: Record<number, number> = {};
  const failures: { name: string; answer: string }[] = [];
  let left = requests;
  let slowestMs = 0;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const delivery =
        random() < brokenShare
          ? brokenDelivery(withBody, random, cookie)
          : malformedDelivery(endpoints, random, cookie);
      const { answer, milliseconds } = await deliver(port, delivery);
      const status = statusOf(answer);
      statuses[status] = (statuses[status] ?? 0) + 1;
      slowestMs = Math.max(slowestMs, milliseconds);
      if (!isWell(delivery, answer)) failures.push({ name: delivery.name, answer });
    }
  };
  await Promise.all(Array.from({ length: laneCount }, lane));
  return { statuses, failures, slowestMs };
}
