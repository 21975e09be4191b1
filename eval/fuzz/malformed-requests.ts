/**
 * Requests that no honest client sends, made from the published contract and one seed (pure).
 *
 * Each begins as a request that fits an operation's schemas, then one to three things go wrong with
 * it: types, sizes, encodings, paths, duplicate keys, prototype pollution, headers, methods,
 * framing. The result is bytes, since the worst ones cannot be expressed through a client library.
 */
import type { Endpoint } from '../../src/api/endpoint.ts';

export interface MalformedRequest {
  readonly name: string;
  readonly bytes: Buffer;
}

export type Random = () => number;

/** Mulberry32 (Tommy Ettinger): 32 bits of state, good enough to choose mischief. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function pick<T>(random: Random, values: readonly T[]): T {
  return values[Math.floor(random() * values.length)] as T;
}

interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly examples?: readonly unknown[];
  readonly minimum?: number;
}

/** A value that fits the schema well enough to get past the first checks. */
function fitting(schema: Schema, random: Random): unknown {
  if (schema.examples !== undefined && schema.examples.length > 0) {
    return structuredClone(pick(random, schema.examples));
  }
  if ('const' in schema) return schema.const;
  if (schema.anyOf !== undefined) return fitting(pick(random, schema.anyOf), random);
  if (schema.type === 'object') {
    const entries = Object.entries(schema.properties ?? {});
    return Object.fromEntries(entries.map(([name, each]) => [name, fitting(each, random)]));
  }
  if (schema.type === 'array') return [fitting(schema.items ?? {}, random)];
  if (schema.type === 'integer' || schema.type === 'number') return schema.minimum ?? 1;
  if (schema.type === 'boolean') return true;
  return 'teddy';
}

const wrongValues: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  1e308,
  2 ** 53 + 2,
  0.1,
  '',
  ' ',
  '\u0000',
  '\ud800',
  'x'.repeat(10_000),
  "' or 1=1 --",
  '%s%n{{7*7}}',
  '<script>alert(1)</script>',
  '../../etc/passwd',
  '2026-02-31T25:61:61Z',
  [],
  [[[[[[]]]]]],
  {},
  { $ne: null },
];

/** Replaces a random part of a value. */
function spoil(value: unknown, random: Random): unknown {
  if (typeof value !== 'object' || value === null || random() < 0.2) {
    return pick(random, wrongValues);
  }
  if (Array.isArray(value)) {
    if (random() < 0.2) return Array.from({ length: 5_000 }, () => value[0]);
    return value.map((each) => (random() < 0.5 ? spoil(each, random) : each));
  }
  const copy: Record<string, unknown> = { ...value };
  const names = Object.keys(copy);
  const name = pick(random, names.length === 0 ? ['x'] : names);
  if (random() < 0.25) delete copy[name];
  else copy[name] = spoil(copy[name], random);
  return copy;
}

const textTricks: readonly ((json: string) => string | Buffer)[] = [
  (json) => json.slice(0, -1),
  (json) => `${json}${json}`,
  (json) => `\ufeff${json}`,
  (json) => json.replace('{', '{"__proto__":{"role":"owner","quantity":0},'),
  (json) => json.replace('{', '{"constructor":{"prototype":{"role":"owner"}},'),
  (json) => json.replace(/"(\w+)":/, '"$1":0,"$1":'),
  (json) => json.replaceAll('"', "'"),
  (json) => json.replace(/\d+/, '0x10'),
  (json) => json.replace(/\d+/, '1e400'),
  (json) => json.replace(/\d+/, 'NaN'),
  () => `${'['.repeat(20_000)}`,
  () => `{"a":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}}`,
  (json) => Buffer.concat([Buffer.from(json), Buffer.from([0xc3, 0x28, 0xff, 0xfe])]),
  (json) => Buffer.from(json, 'utf16le'),
  () => Buffer.from([0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00]),
  () => '',
  () => 'null',
  () => '"text"',
  () => '[]',
];

const pathTricks: readonly ((path: string) => string)[] = [
  (path) => `${path}/`,
  (path) => `/${path}`,
  (path) => path.replace(/[^/]+$/, '%00'),
  (path) => path.replace(/[^/]+$/, '..%2f..%2finternal%2fintegrity'),
  (path) => path.replace(/[^/]+$/, '%ff%fe'),
  (path) => path.replace(/[^/]+$/, '%'),
  (path) => path.replace(/[^/]+$/, 'x'.repeat(5_000)),
  (path) => path.replace(/[^/]+$/, '__proto__'),
  (path) => path.replace(/[^/]+$/, 'constructor'),
  (path) => path.replace(/[^/]+$/, "'%20or%201=1"),
  (path) => path.replace(/[^/]+$/, '%F0%9F%A7%B8'),
  (path) => path.toUpperCase(),
  (path) => path.replace('/api', '/api/..;/internal'),
  (path) => `http://evil.example${path}`,
  () => '*',
  () => '/metrics',
  () => '/%69nternal/reserve',
];

const queryTricks: readonly string[] = [
  'limit=-1',
  'limit=1e9',
  'limit=0',
  'limit=abc',
  'limit=1&limit=2',
  'limit[]=5',
  'limit=%00',
  'after=AAAA',
  'after=bnVsbA',
  'after=W251bGxd',
  'after=WzEsMiwzLDQsNV0',
  `after=${'A'.repeat(2_000)}`,
  'search=%27%3Bdrop%20table%20products',
  `search=${'%28'.repeat(300)}`,
  'search=%F0%9F%A7%B8%20%26%20%7C%20%21',
  'search=%ED%A0%80',
  'sort=__proto__',
  'collection=%2e%2e',
  'token=..',
  '__proto__[x]=1',
  '?&&&===',
  '%',
];

const headerTricks: readonly string[] = [
  'content-type: text/xml',
  'content-type: application/json; charset=utf-16',
  'content-type: application/x-www-form-urlencoded',
  'content-type: multipart/form-data',
  'content-type: ;;;',
  'content-encoding: gzip',
  'content-encoding: br, br, br',
  'accept: text/html',
  'accept-encoding: br;q=x, gzip;q=-1',
  'idempotency-key: ',
  `idempotency-key: ${'k'.repeat(300)}`,
  'idempotency-key: ä ö',
  'prefer: wait=-5',
  'prefer: wait=99999999999999999999',
  'prefer: respond-async, wait=x, =',
  'cookie: session=eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIiwicm9sZSI6Im93bmVyIn0.',
  'cookie: session=; session==; ;;; =x',
  `cookie: session=${'a.'.repeat(3_000)}`,
  'x-doorbuster-principal: %7B%22role%22%3A%22owner%22%7D',
  'authorization: Bearer guess',
  'traceparent: 00-zzzz-zzzz-zz',
  'if-none-match: """, W/, *',
  'range: bytes=9-1,-,x',
  'origin: null',
  'host: evil.example',
  'connection: upgrade, x-request-id, host',
  'upgrade: websocket',
  'expect: 100-continue',
  'expect: nonsense',
  'x-http-method-override: DELETE',
  'x y: z',
  ' folded: yes',
  'colonless',
  'x\u0000y: z',
  `x-long: ${'y'.repeat(20_000)}`,
  ...[Array.from({ length: 150 }, (_, i) => `x-${i}: y`).join('\r\n')],
];

const methodTricks = ['TRACE', 'CONNECT', 'get', 'PROPFIND', 'FOO', 'HEAD', 'OPTIONS', 'PURGE', ''];
const versionTricks = ['HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/9', 'HTCPCP/1.0', ''];
const framingTricks: readonly ((length: number) => string)[] = [
  () => 'content-length: -1',
  () => 'content-length: 99999999999999999999',
  () => 'content-length: 1e3',
  (length) => `content-length: ${length}\r\ncontent-length: ${length + 1}`,
  (length) => `content-length: ${length}\r\ntransfer-encoding: chunked`,
  () => 'transfer-encoding: chunked',
  () => 'transfer-encoding: xchunked',
  () => 'transfer-encoding: chunked, identity',
  () => 'content-length: 99999999',
];

interface Draft {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly version: string;
  readonly headers: readonly string[];
  readonly framing: string | null;
  readonly body: string | Buffer | null;
}

type Trick = readonly [name: string, change: (draft: Draft, random: Random) => Partial<Draft>];

const tricks: readonly Trick[] = [
  ['path', ({ path }, random) => ({ path: pick(random, pathTricks)(path) })],
  ['query', (_draft, random) => ({ query: `?${pick(random, queryTricks)}` })],
  ['header', ({ headers }, random) => ({ headers: [...headers, pick(random, headerTricks)] })],
  ['method', (_draft, random) => ({ method: pick(random, methodTricks) })],
  ['version', (_draft, random) => ({ version: pick(random, versionTricks) })],
  [
    'framing',
    ({ body }, random) => ({ framing: pick(random, framingTricks)(Buffer.byteLength(body ?? '')) }),
  ],
  [
    'text',
    ({ body }, random) => ({
      body: pick(random, textTricks)(typeof body === 'string' ? body : '{"sku":1}'),
    }),
  ],
];

/** Its address, with names that nearly nothing has. */
export function pathOf({ path }: Endpoint, random: Random): string {
  return path.replace(/\{\w+\}/g, () => pick(random, ['teddy-bear', '1', 'x', 'BEAR-S']));
}

function draftOf(endpoint: Endpoint, random: Random): Draft {
  const { method, body, bodyType } = endpoint;
  const headers = ['host: 127.0.0.1', 'connection: close', `idempotency-key: fuzz-${random()}`];
  const draft: Draft = {
    method,
    path: pathOf(endpoint, random),
    query: '',
    version: 'HTTP/1.1',
    headers,
    framing: null,
    body: null,
  };
  if (body === undefined) return draft;
  const fit = fitting(body as Schema, random);
  const value = random() < 0.6 ? spoil(fit, random) : fit;
  const isText = typeof value === 'string' && bodyType !== undefined;
  return {
    ...draft,
    headers: [...headers, `content-type: ${bodyType ?? 'application/json'}`],
    body: isText ? value : JSON.stringify(value),
  };
}

export function malformedRequest(
  endpoints: readonly Endpoint[],
  random: Random,
  cookie?: string,
): MalformedRequest {
  const endpoint = pick(random, endpoints);
  let draft = draftOf(endpoint, random);
  if (cookie !== undefined && random() < 0.7) {
    draft = { ...draft, headers: [...draft.headers, `cookie: ${cookie}`] };
  }
  const names = [`${endpoint.method} ${endpoint.path}`];
  const count = 1 + Math.floor(random() * 3);
  for (let i = 0; i < count; i += 1) {
    const [name, change] = pick(random, tricks);
    names.push(name);
    draft = { ...draft, ...change(draft, random) };
  }
  const body = Buffer.from(draft.body ?? '');
  const length = draft.body === null ? null : `content-length: ${body.length}`;
  const framing = draft.framing ?? length;
  const headers = framing === null ? draft.headers : [...draft.headers, framing];
  const target = `${draft.path}${draft.query}`;
  const head = `${draft.method} ${target} ${draft.version}\r\n${headers.join('\r\n')}\r\n\r\n`;
  return { name: names.join(' + '), bytes: Buffer.concat([Buffer.from(head), body]) };
}
