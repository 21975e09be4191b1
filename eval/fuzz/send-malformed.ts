/** Sends malformed requests, a connection each, and sums up what came back. */
import { connect } from 'node:net';
import type { Endpoint } from '../../src/api/endpoint.ts';
import { type MalformedRequest, malformedRequest, seededRandom } from './malformed-requests.ts';

const answerMsMax = 12_000;
/** A request that promises more than it sends is given this long before we hang up. */
const patienceMs = 300;
const laneCount = 16;

export interface FuzzOptions {
  readonly port: number;
  readonly endpoints: readonly Endpoint[];
  readonly requests: number;
  readonly seed: number;
  /** A session, so that the fuzz gets behind the doors for staff too. */
  readonly cookie?: string;
}

export interface FuzzResult {
  /** By status; 0 is a connection that was closed without an answer. */
  readonly statuses: Readonly<Record<number, number>>;
  /** Requests that were answered 5xx: the defects. */
  readonly failures: readonly { readonly name: string; readonly answer: string }[];
  readonly slowestMs: number;
}

async function send(
  port: number,
  bytes: Buffer,
): Promise<{ answer: string; milliseconds: number }> {
  const startedAt = performance.now();
  return await new Promise((resolve) => {
    let answer = '';
    let answeredAt = startedAt;
    const socket = connect(port, '127.0.0.1');
    const done = (): void => {
      socket.destroy();
      resolve({ answer, milliseconds: answeredAt - startedAt });
    };
    const hangUp = setTimeout(() => socket.end(), patienceMs);
    const giveUp = setTimeout(done, answerMsMax);
    socket.on('data', (chunk) => {
      if (answer === '') answeredAt = performance.now();
      if (answer.length < 2_000) answer += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(hangUp);
      clearTimeout(giveUp);
      done();
    });
    socket.write(bytes);
  });
}

/** The last status of an answer: `100 Continue` may stand before it. */
function statusOf(answer: string): number {
  const statuses = [...answer.matchAll(/(?:^|\n)HTTP\/1\.1 (\d{3})/g)];
  return Number(statuses.at(-1)?.[1] ?? 0);
}

export async function sendMalformed(options: FuzzOptions): Promise<FuzzResult> {
  const { port, endpoints, requests, seed, cookie } = options;
  const random = seededRandom(seed);
  const statuses: Record<number, number> = {};
  const failures: { name: string; answer: string }[] = [];
  let left = requests;
  let slowestMs = 0;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const request: MalformedRequest = malformedRequest(endpoints, random, cookie);
      const { answer, milliseconds } = await send(port, request.bytes);
      const status = statusOf(answer);
      statuses[status] = (statuses[status] ?? 0) + 1;
      slowestMs = Math.max(slowestMs, milliseconds);
      if (status >= 500) failures.push({ name: request.name, answer });
    }
  };
  await Promise.all(Array.from({ length: laneCount }, lane));
  return { statuses, failures, slowestMs };
}
