/**
 * Requests that are broken off, refused or far too large, made from the published contract and one
 * seed (pure). What they say is never valid, so that none of them is ever carried out.
 */
import type { Endpoint } from '../../src/api/endpoint.ts';
import { pathOf, pick, type Random } from './malformed-requests.ts';

export interface Delivery {
  readonly name: string;
  readonly bytes: Buffer;
  /** So many bytes are written; all of them, where it is the whole request. */
  readonly cutAt: number;
  /** Before it leaves, a client waits for an answer that may come early. */
  readonly waits: boolean;
  /** `read`: for the answer, and then another request on the same connection. */
  readonly ending: 'read' | 'fin' | 'reset';
}

const kibibyte = 1_024;
const sizes = [0, 1, 1_000, 64 * kibibyte - 1, 64 * kibibyte, 64 * kibibyte + 1, 3e5, 1.1e6, 3e6];
/** Behind the limit of what is passed on as a stream. */
const streamedSizes = [...sizes, 64 * kibibyte * kibibyte + 1];
const chunkBytes = 64 * kibibyte;
const endings = ['read', 'read', 'fin', 'reset'] as const;

const row = `broken,Broken,${'x'.repeat(4 * kibibyte)},none\n`;

/** By media type. A price that is none, in each row: no product is ever saved. */
const fillers: Readonly<Record<string, readonly string[]>> = {
  'text/csv': ['Foo,Bar\n', `Handle,Title,Body (HTML),Variant Price\n${row}`],
};

/** The filler's first line once, its last one as often as it fits. */
function bodyOf(size: number, filler: string): Buffer {
  const repeated = filler.slice(filler.slice(0, -1).lastIndexOf('\n') + 1);
  const body = Buffer.alloc(size, repeated);
  body.write(filler);
  return body;
}

function chunked(body: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; at += chunkBytes) {
    const chunk = body.subarray(at, at + chunkBytes);
    parts.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'));
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}

/** Anywhere: in the head, at its end, in the body, before the last byte. */
function cutOf(random: Random, headBytes: number, bytes: number): number {
  const places = [
    Math.floor(random() * headBytes),
    headBytes,
    headBytes + Math.floor(random() * (bytes - headBytes)),
    Math.min(bytes, headBytes + chunkBytes),
    bytes - 1,
  ];
  return pick(random, places);
}

export function brokenDelivery(
  endpoints: readonly Endpoint[],
  random: Random,
  cookie?: string,
): Delivery {
  const endpoint = pick(random, endpoints);
  const type = endpoint.bodyType ?? 'application/json';
  const size = pick(random, endpoint.bodyType === undefined ? sizes : streamedSizes);
  const plain = bodyOf(size, pick(random, fillers[type] ?? ['x\n']));
  const isChunked = random() < 0.5;
  const body = isChunked ? chunked(plain) : plain;
  const ending = pick(random, endings);
  const headers = [
    'host: 127.0.0.1',
    `idempotency-key: broken-${random()}`,
    `content-type: ${random() < 0.9 ? type : 'text/xml'}`,
    isChunked ? 'transfer-encoding: chunked' : `content-length: ${plain.length}`,
    ...(random() < 0.1 ? ['expect: 100-continue'] : []),
    ...(random() < 0.05 ? ['connection: upgrade', 'upgrade: websocket'] : []),
    ...(cookie !== undefined && random() < 0.8 ? [`cookie: ${cookie}`] : []),
  ];
  const line = `${endpoint.method} ${pathOf(endpoint, random)} HTTP/1.1`;
  const head = Buffer.from(`${line}\r\n${headers.join('\r\n')}\r\n\r\n`);
  const bytes = Buffer.concat([head, body]);
  const cutAt = ending === 'read' ? bytes.length : cutOf(random, head.length, bytes.length);
  const name = `${line}, ${size} bytes, ${headers.slice(2).join(', ')}, ${ending} at ${cutAt}`;
  return { name, bytes, cutAt, waits: random() < 0.3, ending };
}
