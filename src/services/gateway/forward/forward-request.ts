/**
 * Forwards a request to an instance of a role, and its answer back to the client.
 *
 * Until the head of the answer has come, the request may be repeated on another instance, if it is
 * idempotent or was never sent. After that a failure can only be shown by breaking the client's
 * connection: a half answer that ends normally would look complete.
 */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { Problem, unavailable } from '../../../kit/http/problem.ts';
import { exchangeInBundle } from './call-bundle.ts';
import { backoffMs, type LoadBalancer, type Upstream } from './load-balancer.ts';
import {
  type AnswerSink,
  exchange,
  type Outcome,
  type Unanswered,
  type UpstreamRequest,
} from './upstream-exchange.ts';

const attemptsMax = 3;

function isRepeatable({ method, body }: UpstreamRequest, { error, sent }: Unanswered): boolean {
  if (body !== null && !Buffer.isBuffer(body)) return false; // a stream can be read once
  if (!sent) return true;
  if ((error as { code?: string }).code === 'UND_ERR_HEADERS_TIMEOUT') return false;
  return method === 'GET' || method === 'HEAD' || method === 'PUT' || method === 'DELETE';
}

/** The Problem that explains why a service did not answer. */
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
 * Sends the request, and repeats it on another instance where that is safe. Resolves when the
 * answer has ended. Throws Problem 502, 503 or 504 where no head of an answer came.
 */
export async function forward(
  balancer: LoadBalancer,
  upstreamRequest: UpstreamRequest,
  sink: AnswerSink,
): Promise<void> {
  const tried: Upstream[] = [];
  for (let attempt = 0; ; attempt += 1) {
    const upstream =
      balancer.pick(upstreamRequest.role, tried) ?? balancer.pick(upstreamRequest.role);
    if (upstream === null) throw unavailable(`no ${upstreamRequest.role} service is ready`);
    balancer.begin(upstreamRequest.role, upstream);
    const send = upstreamRequest.inBundle === true ? exchangeInBundle : exchange;
    const outcome = await send(upstream, upstreamRequest, sink);
    balancer.end(upstream, verdict(outcome));
    if (outcome.kind !== 'unanswered') return;
    tried.push(upstream);
    const mayRetry = attempt + 1 < attemptsMax && isRepeatable(upstreamRequest, outcome);
    if (!mayRetry || !balancer.spendRetry(upstreamRequest.role))
      throw failure(upstreamRequest.role, outcome);
    await delay(backoffMs(attempt));
  }
}

function verdict(outcome: Outcome): 'answered' | 'failed' | 'abandoned' {
  if (outcome.kind === 'ended') return 'answered';
  if (outcome.kind === 'abandoned') return 'abandoned';
  // The gateway itself refused the body: that is no failure of the instance.
  if (outcome.kind === 'unanswered' && outcome.error instanceof Problem) return 'abandoned';
  if (outcome.kind === 'unanswered' && outcome.isCountedAlready === true) return 'abandoned';
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

/** The headers of a service that clients may see. */
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

/** Headers of a client that services get; the gateway drops all others or sets them itself. */
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
