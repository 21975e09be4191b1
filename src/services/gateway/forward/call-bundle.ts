/**
 * Sends small requests of one turn of the event loop to one instance as one bundle
 * (`kit/http/call-table.ts`). Each is answered as soon as the service has its answer. A request is
 * sent by itself if it is the only one of the turn, if the service does not accept bundles (an
 * older version), or if the service answers that it has no such call.
 *
 * For its caller an exchange in a bundle is like any other: it ends, or it is unanswered, sent or
 * not. The caller decides about retries.
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
/** The headers that the services read of such a call. */
const callHeaders = [principalHeader, 'x-request-id', 'traceparent'] as const;

interface Exchange {
  readonly upstreamRequest: UpstreamRequest;
  readonly sink: AnswerSink;
  readonly resolve: (outcome: Outcome) => void;
}

/** Whether it can be sent in a bundle: a plain path, and a small JSON body or none. */
export function fitsBundle({ method, path, headers, body }: UpstreamRequest): boolean {
  if (method === 'HEAD' || path.length > pathLengthMax || /[?%]/.test(path)) return false;
  if (body === null) return true;
  return (
    Buffer.isBuffer(body) &&
    body.length <= bodyBytesMax &&
    headers['content-type'] === 'application/json'
  );
}

/** Marks the request for a bundle where its role accepts them (`bundled`) and it fits. */
export function bundleIfSmall(upstreamRequest: UpstreamRequest, bundled: boolean): UpstreamRequest {
  return bundled && fitsBundle(upstreamRequest)
    ? { ...upstreamRequest, inBundle: true }
    : upstreamRequest;
}

/**
 * The requests of this turn, in a new map each turn. A map that is cleared and used again keeps the
 * calls of earlier turns alive until the map itself is collected: that was a fifth of all allocated
 * memory, and scavenges took 40 ms instead of under 5.
 */
let waiting = new Map<Upstream, Exchange[]>();

/** For a request that fits. */
export function exchangeInBundle(
  upstream: Upstream,
  upstreamRequest: UpstreamRequest,
  sink: AnswerSink,
): Promise<Outcome> {
  return new Promise((resolve) => {
    if (waiting.size === 0) atEndOfTurn(sendWaiting);
    const others = waiting.get(upstream);
    const exchange = { upstreamRequest, sink, resolve };
    if (others === undefined) waiting.set(upstream, [exchange]);
    else others.push(exchange);
  });
}

function sendWaiting(): void {
  const sending = waiting;
  waiting = new Map();
  for (const [upstream, exchanges] of sending) {
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
  const passed: Record<string, string> = {};
  for (const name of callHeaders) {
    const value = headers[name];
    if (value !== undefined) passed[name] = value;
  }
  return { method, path, headers: passed, ...(body !== null && { body: body.toString() }) };
}

function dispatchBundle(upstream: Upstream, exchanges: readonly Exchange[]): void {
  const { upstreamRequest } = exchanges[0] as Exchange;
  const open = new Map(exchanges.entries());
  let sent = false;
  let isAccepted = false;
  const reader = new AnswerReader();
  const fail = (error: Error): void => {
    // A call without an answer still waits for its head, also if the bundle's body is late.
    const late =
      error instanceof errors.BodyTimeoutError ? new errors.HeadersTimeoutError() : error;
    let isCountedAlready = false; // one broken connection is one failure, not one for each call
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
      if (status >= 200) isAccepted = status === 200;
    },
    onResponseData(_controller, chunk) {
      if (!isAccepted) return;
      for (const answer of reader.read(chunk)) {
        const exchange = open.get(answer.index);
        open.delete(answer.index);
        if (exchange === undefined) continue;
        if (answer.status === notBundled) dispatchEach(upstream, [exchange]);
        else exchange.resolve(handOver(exchange.sink, answer, upstream.instance.id));
      }
    },
    onResponseEnd() {
      if (!isAccepted) dispatchEach(upstream, open.values());
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

/** An error in the handling of one answer must not affect the others of its bundle. */
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
