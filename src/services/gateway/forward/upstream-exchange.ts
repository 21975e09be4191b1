/**
 * One attempt on one instance: waiting for the head, then streaming, then over.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { atEndOfTurn } from '../../../kit/http/end-of-turn.ts';
import type { Upstream } from './load-balancer.ts';

const streamSilenceMsMax = 60_000;

export interface UpstreamRequest {
  readonly role: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | AsyncIterable<Uint8Array> | null;
  readonly deadlineMs: number;
  /** May travel in one request with others of its turn (call-bundle.ts). */
  readonly inBundle?: boolean;
}

/** Receives an answer. `onHead` comes at most once over all attempts. */
export interface AnswerSink {
  onHead(status: number, headers: IncomingHttpHeaders, flow: Flow, by: string): void;
  onData(chunk: Buffer): void;
  onEnd(): void;
  /** The answer broke off behind its head. */
  onBroken(error: Error): void;
}

export interface Flow {
  pause(): void;
  resume(): void;
  abort(): void;
}

export type Outcome =
  | { readonly kind: 'ended' }
  | { readonly kind: 'broken' | 'abandoned' }
  | Unanswered;

export interface Unanswered {
  readonly kind: 'unanswered';
  readonly error: Error;
  /** False where nothing of it left this process, so that nobody can have acted upon it. */
  readonly sent: boolean;
  /** Another exchange of the same bundle counts for this failure. */
  readonly isCountedAlready?: boolean;
}

class Abandoned extends Error {
  override readonly name = 'Abandoned';
}

/** Leaves with the other exchanges of its turn, at the turn's end. */
export function exchange(
  upstream: Upstream,
  upstreamRequest: UpstreamRequest,
  sink: AnswerSink,
): Promise<Outcome> {
  return new Promise((resolve) => {
    atEndOfTurn(() => dispatch(upstream, upstreamRequest, sink, resolve));
  });
}

/** As `exchange`, at once. */
export function dispatch(
  upstream: Upstream,
  upstreamRequest: UpstreamRequest,
  sink: AnswerSink,
  resolve: (outcome: Outcome) => void,
): void {
  let sent = false;
  let answered = false;
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart() {
      sent = true; // there is a connection, and it is about to be written to
    },
    onResponseStart(controller, status, headers) {
      if (status < 200) return;
      answered = true;
      const flow: Flow = {
        pause: () => controller.pause(),
        resume: () => controller.resume(),
        abort: () => controller.abort(new Abandoned('the client went away')),
      };
      sink.onHead(status, headers, flow, upstream.instance.id);
    },
    onResponseData: (_controller, chunk) => sink.onData(chunk),
    onResponseEnd() {
      sink.onEnd();
      resolve({ kind: 'ended' });
    },
    onResponseError(_controller, error) {
      if (error instanceof Abandoned) return resolve({ kind: 'abandoned' });
      if (!answered) return resolve({ kind: 'unanswered', error, sent });
      sink.onBroken(error);
      resolve({ kind: 'broken' });
    },
  };
  const request: Dispatcher.DispatchOptions = {
    method: upstreamRequest.method as Dispatcher.HttpMethod,
    path: upstreamRequest.path,
    headers: upstreamRequest.headers,
    body: upstreamRequest.body as Buffer | Readable | null, // any iterable, its types forget to say
    headersTimeout: upstreamRequest.deadlineMs,
    bodyTimeout: streamSilenceMsMax,
  };
  upstream.pool.dispatch(request, handler);
}
