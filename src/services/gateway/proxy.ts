/**
 * Passes a request on to an instance of a role, and its answer back.
 *
 * One *exchange* is one attempt on one instance: waiting for the head, then streaming, then over.
 * Until the head has come the attempt may be repeated elsewhere, if the request is idempotent or
 * never left this process; afterwards a failure can only be shown as a connection that breaks,
 * since a cleanly ended half of an answer would be a lie.
 */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import { atEndOfTurn } from '../../kit/end-of-turn.ts';
import { backoffMs, type LoadBalancer, type Upstream } from '../../kit/load-balancer.ts';
import { Problem, unavailable } from '../../kit/problem.ts';

const attemptsMax = 3;
const streamSilenceMsMax = 60_000;

export interface Errand {
  readonly role: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | Readable | null;
  readonly deadlineMs: number;
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

class Abandoned extends Error {
  override readonly name = 'Abandoned';
}

type Outcome = { readonly kind: 'ended' } | { readonly kind: 'broken' | 'abandoned' } | Unanswered;

interface Unanswered {
  readonly kind: 'unanswered';
  readonly error: Error;
  /** False where nothing of it left this process, so that nobody can have acted upon it. */
  readonly sent: boolean;
}

function exchange(upstream: Upstream, errand: Errand, sink: AnswerSink): Promise<Outcome> {
  return new Promise((resolve) => {
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
      method: errand.method as Dispatcher.HttpMethod,
      path: errand.path,
      headers: errand.headers,
      body: errand.body,
      headersTimeout: errand.deadlineMs,
      bodyTimeout: streamSilenceMsMax,
    };
    atEndOfTurn(() => upstream.pool.dispatch(request, handler));
  });
}

function isRepeatable({ method, body }: Errand, { error, sent }: Unanswered): boolean {
  if (body !== null && !Buffer.isBuffer(body)) return false; // a stream can be read once
  if (!sent) return true;
  if ((error as { code?: string }).code === 'UND_ERR_HEADERS_TIMEOUT') return false;
  return method === 'GET' || method === 'HEAD' || method === 'PUT' || method === 'DELETE';
}

/** The refusal that tells what went wrong on the way to a service. */
function failure(role: string, { error, sent }: Unanswered): Problem {
  if (error instanceof Problem) return error;
  if (!sent) return unavailable(`the ${role} service does not answer`);
  const { code } = error as { code?: string };
  if (code === 'UND_ERR_HEADERS_TIMEOUT') {
    return new Problem(504, 'deadline', 'The answer did not come in time', {
      detail: `the ${role} service took too long`,
    });
  }
  return brokenOff(role);
}

export function brokenOff(role: string): Problem {
  return new Problem(502, 'bad-gateway', 'The answer could not be fetched', {
    detail: `the ${role} service broke the connection`,
  });
}

/**
 * Sends the errand, on other instances where one fails and repeating is safe. Resolves when
 * the answer is over. Throws Problem 502, 503 or 504 where no head
 * of an answer came.
 */
export async function forward(
  balancer: LoadBalancer,
  errand: Errand,
  sink: AnswerSink,
): Promise<void> {
  const tried: Upstream[] = [];
  for (let attempt = 0; ; attempt += 1) {
    const upstream = balancer.pick(errand.role, tried) ?? balancer.pick(errand.role);
    if (upstream === null) throw unavailable(`no ${errand.role} service is ready`);
    balancer.begin(errand.role, upstream);
    const outcome = await exchange(upstream, errand, sink);
    balancer.end(upstream, verdict(outcome));
    if (outcome.kind !== 'unanswered') return;
    tried.push(upstream);
    const again = attempt + 1 < attemptsMax && isRepeatable(errand, outcome);
    if (!again || !balancer.spendRetry(errand.role)) throw failure(errand.role, outcome);
    await delay(backoffMs(attempt));
  }
}

function verdict(outcome: Outcome): 'answered' | 'failed' | 'abandoned' {
  if (outcome.kind === 'ended') return 'answered';
  if (outcome.kind === 'abandoned') return 'abandoned';
  // A body that our own side refused to send on says nothing about the instance.
  if (outcome.kind === 'unanswered' && outcome.error instanceof Problem) return 'abandoned';
  return 'failed';
}

const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** A service's headers as the outside may see them. */
export function publicHeaders(sent: IncomingHttpHeaders): OutgoingHttpHeaders {
  const shown: OutgoingHttpHeaders = {};
  for (const name in sent) {
    const value = sent[name];
    if (value === undefined || hopByHop.has(name)) continue;
    if (name.startsWith('surrogate-') || name.startsWith('x-doorbuster-')) continue;
    shown[name] = value;
  }
  return shown;
}

/** Passed on from a client to a service; everything else that it sends stays here, or is set anew. */
const passedOn: readonly string[] = [
  'accept',
  'accept-language',
  'content-type',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'last-event-id',
  'prefer',
  'range',
  'stripe-signature',
  'user-agent',
];

export function passedHeaders(received: IncomingHttpHeaders): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const name of passedOn) {
    const value = received[name];
    if (typeof value === 'string') passed[name] = value;
  }
  return passed;
}
