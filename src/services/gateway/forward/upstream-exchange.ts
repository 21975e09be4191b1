/** One attempt of a request on one instance: it waits for the head, then streams the body. */
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
  /** May be sent in a bundle with others of its turn (call-bundle.ts). */
  readonly inBundle?: boolean;
}

/** Receives an answer. `onHead` is called at most once, whatever the number of attempts. */
export interface AnswerSink {
  onHead(status: number, headers: IncomingHttpHeaders, flow: Flow, by: string): void;
  onData(chunk: Buffer): void;
  onEnd(): void;
  /** The connection broke after the head of the answer. */
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
  /** False where nothing of it was sent, so no service can have acted on it. */
  readonly sent: boolean;
  /** The failure was counted with another exchange of the same bundle. */
  readonly isCountedAlready?: boolean;
}

class Abandoned extends Error {
  override readonly name = 'Abandoned';
}

/** Sends the request at the end of the turn, together with the others of the turn. */
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
      sent = true; // a connection is open, and the request will be written now
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
    body: upstreamRequest.body as Buffer | Readable | null, // or any other iterable
    headersTimeout: upstreamRequest.deadlineMs,
    bodyTimeout: streamSilenceMsMax,
  };
  upstream.pool.dispatch(request, handler);
}
