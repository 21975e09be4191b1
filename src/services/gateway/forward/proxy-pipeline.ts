/**
 * The way through the gateway to a service and back: shared answers first, then limits, then room
 * at the service, then the request itself.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { securityHeaders } from '../answer/security-headers.ts';
import type { CachedReads } from '../cache/cached-reads.ts';
import type { Rule } from '../routing/routes.ts';
import {
  type ClientLimits,
  type LimitHeaders,
  type LimitName,
  spenderOf,
} from '../visitor/client-limits.ts';
import type { RequestContext } from '../visitor/request-context.ts';
import { forward, publicHeaders } from './forward-request.ts';
import type { LoadBalancer } from './load-balancer.ts';
import { importanceOf, type LoadShedder } from './load-shedder.ts';
import { relayTo } from './relay-response.ts';
import { type Credentials, personalRequest } from './upstream-request.ts';

export interface ProxyPipelineParts {
  readonly balancer: LoadBalancer;
  readonly reads: CachedReads;
  readonly limits: ClientLimits;
  readonly shedder: LoadShedder;
  readonly credentials: Credentials;
}

/** Filled in on the way of a request, read when it is over. */
export interface Trace {
  /** Who wrote the answer. */
  by: string;
  /** Ends the service's work for an answer whose client has gone; null where there is none to end. */
  abandon: (() => void) | null;
}

const checksPassword: readonly string[] = ['/api/sessions', '/api/customers', '/api/customers/me'];

/** Passwords are slow to check on purpose, so asking for it is limited by itself. */
function limitOf({ method }: IncomingMessage, { prefix }: Rule): LimitName {
  return checksPassword.includes(prefix) && (method === 'POST' || method === 'PATCH')
    ? 'sign-in'
    : 'work';
}

function isRead({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD';
}

export class ProxyPipeline {
  readonly #parts: ProxyPipelineParts;

  constructor(parts: ProxyPipelineParts) {
    this.#parts = parts;
  }

  async pass(
    request: IncomingMessage,
    response: ServerResponse,
    context: RequestContext,
    rule: Rule,
    trace: Trace,
    keepAlive: () => boolean,
  ): Promise<void> {
    const { reads, limits } = this.#parts;
    const { requestId, traceparent } = context;
    const shared = isRead(request) && rule.cache !== 'none';
    if (shared && reads.serve(request, response, requestId)) {
      trace.by = 'cache';
      return;
    }
    const spent = limits.spend(limitOf(request, rule), spenderOf(request, context));
    const left = spent instanceof Promise ? await spent : spent; // a turn is not waited for nothing
    const importance = importanceOf(rule.priority, request);
    if (shared) {
      const wish = { rule, requestId, traceparent, importance };
      if (await reads.load(request, response, wish)) {
        trace.by = 'fetched for all';
        return;
      }
    }
    await this.#send(request, response, context, rule, left, trace, keepAlive);
  }

  async #send(
    request: IncomingMessage,
    response: ServerResponse,
    context: RequestContext,
    rule: Rule,
    left: LimitHeaders,
    trace: Trace,
    keepAlive: () => boolean,
  ): Promise<void> {
    const { balancer, shedder, credentials } = this.#parts;
    const making = personalRequest(request, context, rule, credentials);
    const upstreamRequest = making instanceof Promise ? await making : making;
    const sink = relayTo(response, (status, sent, flow, by) => {
      trace.by = by;
      trace.abandon = flow.abort;
      if (!keepAlive()) response.shouldKeepAlive = false;
      const head = publicHeaders(sent);
      Object.assign(head, securityHeaders(sent, credentials.hstsSeconds), left);
      head['x-request-id'] = context.requestId;
      response.writeHead(status, head);
    });
    if (rule.streamed) {
      await forward(balancer, upstreamRequest, sink); // open for long by its nature: no measure of load
      return;
    }
    const entering = shedder.enter(rule.prefix, importanceOf(rule.priority, request));
    const admission = entering instanceof Promise ? await entering : entering;
    try {
      await forward(balancer, upstreamRequest, sink);
      admission.leave(false);
    } catch (error) {
      admission.leave(true);
      throw error;
    }
  }
}
