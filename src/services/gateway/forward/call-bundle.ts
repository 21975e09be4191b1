/**
 * Small calls of one turn to one instance travel in one request (`kit/http/call-table.ts`), and
 * each is answered as soon as the service has its answer. The only call of a turn is sent as it is,
 * as are all of a bundle that the service does not take (one of an older version), and each that it
 * does not know as a call.
 *
 * To its caller an exchange in a bundle is one like any other: it ends, or was left unanswered
 * with or without having been sent, and what follows from that is decided there.
 */
import { type Dispatcher, errors } from 'undici';
import {
  AnswerReader,
  type BundledAnswer,
  type BundledCall,
  bundlePath,
  notBundled,
} from '../../../kit/http/call-wire.ts';
import { atEndOfTurn } from '../../../kit/http/end-of-turn.ts';
import { principalHeader } from '../../../kit/http/principal.ts';
import type { Upstream } from './load-balancer.ts';
import {
  type AnswerSink,
  dispatch,
  type Outcome,
  type UpstreamRequest,
} from './upstream-exchange.ts';

const callsMax = 100;
const bodyBytesMax = 1_024;
const pathLengthMax = 400;
/** All that the services read of such a call. */
const carriedHeaders = [principalHeader, 'x-request-id', 'traceparent'] as const;

interface Exchange {
  readonly upstreamRequest: UpstreamRequest;
  readonly sink: AnswerSink;
  readonly resolve: (outcome: Outcome) => void;
}

/** Whether it can be sent in a bundle: a plain path, and a body that is small and JSON, or none. */
export function fitsBundle({ method, path, headers, body }: UpstreamRequest): boolean {
  if (method === 'HEAD' || path.length > pathLengthMax || /[?%]/.test(path)) return false;
  if (body === null) return true;
  return (
    Buffer.isBuffer(body) &&
    body.length <= bodyBytesMax &&
    headers['content-type'] === 'application/json'
  );
}

/** The request, in a bundle where its role takes them (`bundled`) and it fits. */
export function bundleIfSmall(upstreamRequest: UpstreamRequest, bundled: boolean): UpstreamRequest {
  return bundled && fitsBundle(upstreamRequest)
    ? { ...upstreamRequest, inBundle: true }
    : upstreamRequest;
}

/**
 * Those of this turn; a new map each time. One that is cleared points to what it holds next, so
 * that each turn's calls would outlive, as long as an old map is not collected, those of the turn
 * before: measured, a fifth of all that was allocated, and scavenges of 40 ms instead of under 5.
 */
let waiting = new Map<Upstream, Exchange[]>();

/** For a request that fits. */
export function exchangeInBundle(
  upstream: Upstream,
  upstreamRequest: UpstreamRequest,
  sink: AnswerSink,
): Promise<Outcome> {
  return new Promise((resolve) => {
    if (waiting.size === 0) atEndOfTurn(leave);
    const others = waiting.get(upstream);
    const exchange = { upstreamRequest, sink, resolve };
    if (others === undefined) waiting.set(upstream, [exchange]);
    else others.push(exchange);
  });
}

function leave(): void {
  const leaving = waiting;
  waiting = new Map();
  for (const [upstream, exchanges] of leaving) {
    for (let at = 0; at < exchanges.length; at += callsMax) {
      const bundle = exchanges.slice(at, at + callsMax);
      if (bundle.length === 1) dispatchEach(upstream, bundle);
      else dispatchBundle(upstream, bundle);
    }
  }
}

function dispatchEach(upstream: Upstream, exchanges: Iterable<Exchange>): void {
  for (const { upstreamRequest, sink, resolve } of exchanges)
    dispatch(upstream, upstreamRequest, sink, resolve);
}

function callOf({ method, path, headers, body }: UpstreamRequest): BundledCall {
  const carried: Record<string, string> = {};
  for (const name of carriedHeaders) {
    const value = headers[name];
    if (value !== undefined) carried[name] = value;
  }
  return { method, path, headers: carried, ...(body !== null && { body: body.toString() }) };
}

function dispatchBundle(upstream: Upstream, exchanges: readonly Exchange[]): void {
  const { upstreamRequest } = exchanges[0] as Exchange;
  const open = new Map(exchanges.entries());
  let sent = false;
  let isTaken = false;
  const reader = new AnswerReader();
  const fail = (error: Error): void => {
    // What has no answer yet waits for its head, whatever the message around it waits for.
    const late =
      error instanceof errors.BodyTimeoutError ? new errors.HeadersTimeoutError() : error;
    let isCountedAlready = false; // one connection broke, however many waited for it
    for (const { resolve } of open.values()) {
      resolve({ kind: 'unanswered', error: late, sent, isCountedAlready });
      isCountedAlready = true;
    }
  };
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart() {
      sent = true;
    },
    onResponseStart(_controller, status) {
      if (status >= 200) isTaken = status === 200;
    },
    onResponseData(_controller, chunk) {
      if (!isTaken) return;
      for (const answer of reader.read(chunk)) {
        const exchange = open.get(answer.index);
        open.delete(answer.index);
        if (exchange === undefined) continue;
        if (answer.status === notBundled) dispatchEach(upstream, [exchange]);
        else exchange.resolve(handOver(exchange.sink, answer, upstream.instance.id));
      }
    },
    onResponseEnd() {
      if (!isTaken) dispatchEach(upstream, open.values());
      else if (open.size > 0) fail(new errors.SocketError('the bundle ended too early'));
    },
    onResponseError: (_controller, error) => fail(error),
  };
  const { authorization = '' } = upstreamRequest.headers;
  const request: Dispatcher.DispatchOptions = {
    method: 'POST',
    path: bundlePath,
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify(exchanges.map((each) => callOf(each.upstreamRequest))),
    headersTimeout: upstreamRequest.deadlineMs,
    bodyTimeout: upstreamRequest.deadlineMs,
  };
  upstream.pool.dispatch(request, handler);
}

/** What goes wrong with one answer must not reach the others of its bundle. */
function handOver(sink: AnswerSink, answer: BundledAnswer, by: string): Outcome {
  const { status, headers, body } = answer;
  const head = { ...headers, 'content-length': String(body.length) };
  let isWanted = true;
  const abort = (): void => {
    isWanted = false;
  };
  try {
    sink.onHead(status, head, { pause() {}, resume() {}, abort }, by);
    if (!isWanted) return { kind: 'abandoned' };
    sink.onData(body);
    sink.onEnd();
    return { kind: 'ended' };
  } catch (error) {
    sink.onBroken(error as Error);
    return { kind: 'broken' };
  }
}
