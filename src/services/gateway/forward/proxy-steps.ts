/** The steps of a request that a service answers: rate limits, shared fetch, forwarding. */
import type { IncomingMessage } from 'node:http';
import type { ProductQuery } from '../../../api/product.ts';
import type { pageParameters } from '../../../api/storefront-page.ts';
import { securityHeaders } from '../answer/security-headers.ts';
import type { CachedReads } from '../cache/cached-reads.ts';
import type { Exchange, Step } from '../exchange.ts';
import { pathOf } from '../routing/request-target.ts';
import {
  type ClientLimits,
  type LimitHeaders,
  type LimitName,
  type LimitScope,
  noLimits,
} from '../visitor/client-limits.ts';
import { forward, publicHeaders } from './forward-request.ts';
import type { LoadBalancer } from './load-balancer.ts';
import { importanceOf, type LoadShedder } from './load-shedder.ts';
import { relayTo } from './relay-response.ts';
import type { AnswerSink } from './upstream-exchange.ts';
import { type Credentials, personalRequest } from './upstream-request.ts';

export interface ProxyStepsParts {
  readonly balancer: LoadBalancer;
  readonly reads: CachedReads;
  readonly limits: ClientLimits;
  readonly shedder: LoadShedder;
  readonly credentials: Credentials;
}

function limitOf({ request, destination }: Exchange): LimitName | null {
  if (destination.kind === 'buy') return 'purchase';
  if (destination.kind === 'checkout' || destination.kind === 'checkout-events') return 'work';
  if (destination.kind !== 'proxy') return null;
  return searches(request) ? 'search' : destination.rule.limit;
}

const inApi = 'search' satisfies keyof ProductQuery;
const onPage = 'q' satisfies (typeof pageParameters)[number];

/** Searches have a limit of their own: nearly each has another text, so the cache cannot help. */
function searches({ url = '' }: IncomingMessage): boolean {
  const query = url.slice(pathOf(url).length);
  if (query === '') return false;
  const parameters = new URLSearchParams(query);
  return parameters.has(inApi) || parameters.has(onPage);
}

export class ProxySteps {
  readonly #parts: ProxyStepsParts;
  readonly #isDraining: () => boolean;

  constructor(parts: ProxyStepsParts, isDraining: () => boolean) {
    this.#parts = parts;
    this.#isDraining = isDraining;
  }

  /** Before any service is asked, also before the session is checked. */
  readonly limitNetwork: Step = (exchange) =>
    this.#limit(exchange, 'network', exchange.client.network);

  readonly limitAccount: Step = (exchange) => {
    const { principal } = exchange;
    return principal !== null && this.#limit(exchange, 'account', principal.customerId);
  };

  #limit(exchange: Exchange, scope: LimitScope, key: string): false | Promise<false> {
    const name = limitOf(exchange);
    if (name === null) return false;
    const consumed = this.#parts.limits.consume(name, scope, key);
    const keep = (headers: LimitHeaders): false => {
      exchange.limitHeaders = headers;
      return false;
    };
    return consumed instanceof Promise ? consumed.then(keep) : keep(consumed);
  }

  /** One fetch for all who ask for the same address at this time, if all may get its answer. */
  readonly fetchShared: Step = (exchange) => {
    const { request, response, destination, requestId, traceparent } = exchange;
    if (destination.kind !== 'proxy' || !exchange.isRead) return false;
    const { rule } = destination;
    if (rule.cache === 'none') return false;
    const importance = importanceOf(rule.priority, request);
    const client = this.#shareKey(exchange);
    const read = { rule, client, requestId, traceparent, importance };
    return this.#parts.reads.load(request, response, read).then((answered) => {
      if (answered) exchange.by = 'shared fetch';
      return answered;
    });
  };

  readonly forward: Step = async (exchange) => {
    const { request, destination } = exchange;
    if (destination.kind !== 'proxy') return false;
    const { rule } = destination;
    const { balancer, shedder, credentials } = this.#parts;
    const reading = personalRequest(request, exchange, rule, credentials);
    const upstreamRequest = reading instanceof Promise ? await reading : reading;
    const sink = this.#sinkOf(exchange);
    // Neither is a measure of load: a stream is open for long by nature, and who signs in stands in
    // a fair queue of the service, where attackers would make all look slow and be shed with all.
    if (rule.streamed || rule.limit === 'sign-in') {
      await forward(balancer, upstreamRequest, sink);
      return true;
    }
    const importance = importanceOf(rule.priority, request);
    const entering = shedder.enter(rule.name, importance, this.#shareKey(exchange));
    const admission = entering instanceof Promise ? await entering : entering;
    try {
      await forward(balancer, upstreamRequest, sink);
      admission.leave(false);
    } catch (error) {
      admission.leave(true);
      throw error;
    }
    return true;
  };

  /** Whose share the load shedder counts a request for; null where clients have no limits. */
  #shareKey({ client }: Exchange): string | null {
    return this.#parts.limits === noLimits ? null : client.network;
  }

  #sinkOf(exchange: Exchange): AnswerSink {
    const { response, requestId, limitHeaders } = exchange;
    return relayTo(response, (status, sent, flow, by) => {
      exchange.by = by;
      exchange.abandon = flow.abort;
      if (this.#isDraining()) response.shouldKeepAlive = false;
      const head = publicHeaders(sent);
      Object.assign(head, securityHeaders(sent), limitHeaders, { 'x-request-id': requestId });
      response.writeHead(status, head);
    });
  }
}
