/**
 * Passes a request on to an instance of a role, and its answer back.
 *
 * Until the head has come an attempt may be repeated elsewhere, if the request is idempotent or
 * never left this process; afterwards a failure can only be shown as a connection that breaks,
 * since a cleanly ended half of an answer would be a lie.
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

/** The refusal that says what went wrong on the way to a service. */
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
 * Sends the request, on other instances where one fails and repeating is safe. Resolves when
 * the answer is over. Throws Problem 502, 503 or 504 where no head
 * of an answer came.
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
    const attemptOn = upstreamRequest.inBundle === true ? exchangeInBundle : exchange;
    const outcome = await attemptOn(upstream, upstreamRequest, sink);
    balancer.end(upstream, verdict(outcome));
    if (outcome.kind !== 'unanswered') return;
    tried.push(upstream);
    const again = attempt + 1 < attemptsMax && isRepeatable(upstreamRequest, outcome);
    if (!again || !balancer.spendRetry(upstreamRequest.role))
      throw failure(upstreamRequest.role, outcome);
    await delay(backoffMs(attempt));
  }
}

function verdict(outcome: Outcome): 'answered' | 'failed' | 'abandoned' {
  if (outcome.kind === 'ended') return 'answered';
  if (outcome.kind === 'abandoned') return 'abandoned';
  // A body that our own side refused to send on says nothing about the instance.
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

/** Passed on from a client to a service; all else that it sends stays here, or is set anew. */
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
