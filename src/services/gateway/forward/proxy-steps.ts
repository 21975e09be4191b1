/** The last steps of a request that a service answers: limits, answers for all, its own answer. */
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
  noLimits,
  type Spender,
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

/**
 * There are as many searches as there are words, so the cache does not help against all of them.
 */
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

  /** Before a service is asked for anything, a session included. */
  readonly spendForNetwork: Step = (exchange) =>
    this.#spend(exchange, 'network', exchange.client.network);

  readonly spendForAccount: Step = (exchange) => {
    const { principal } = exchange;
    return principal !== null && this.#spend(exchange, 'account', principal.customerId);
  };

  #spend(exchange: Exchange, spender: Spender, key: string): false | Promise<false> {
    const name = limitOf(exchange);
    if (name === null) return false;
    const spent = this.#parts.limits.spend(name, spender, key);
    const keep = (left: LimitHeaders): false => {
      exchange.left = left;
      return false;
    };
    return spent instanceof Promise ? spent.then(keep) : keep(spent);
  }

  /** One fetch for all who ask for the same at this time, where an answer is the same for all. */
  readonly fetchForAll: Step = (exchange) => {
    const { request, response, destination, requestId, traceparent } = exchange;
    if (destination.kind !== 'proxy' || !exchange.isRead) return false;
    const { rule } = destination;
    if (rule.cache === 'none') return false;
    const importance = importanceOf(rule.priority, request);
    const client = this.#counted(exchange);
    const read = { rule, client, requestId, traceparent, importance };
    return this.#parts.reads.load(request, response, read).then((answered) => {
      if (answered) exchange.by = 'fetched for all';
      return answered;
    });
  };

  readonly forward: Step = async (exchange) => {
    const { request, destination } = exchange;
    if (destination.kind !== 'proxy') return false;
    const { rule } = destination;
    const { balancer, shedder, credentials } = this.#parts;
    const making = personalRequest(request, exchange, rule, credentials);
    const upstreamRequest = making instanceof Promise ? await making : making;
    const sink = this.#sinkOf(exchange);
    // Neither is a measure of load: a stream is open for long by nature, and who signs in stands in
    // a fair queue of the service, where attackers would make all look slow and be shed with all.
    if (rule.streamed || rule.limit === 'sign-in') {
      await forward(balancer, upstreamRequest, sink);
      return true;
    }
    const importance = importanceOf(rule.priority, request);
    const entering = shedder.enter(rule.name, importance, this.#counted(exchange));
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

  /** By whom the load shedder counts a request: nobody where clients have no limits. */
  #counted({ client }: Exchange): string | null {
    return this.#parts.limits === noLimits ? null : client.network;
  }

  #sinkOf(exchange: Exchange): AnswerSink {
    const { response, requestId, left } = exchange;
    return relayTo(response, (status, sent, flow, by) => {
      exchange.by = by;
      exchange.abandon = flow.abort;
      if (this.#isDraining()) response.shouldKeepAlive = false;
      const head = publicHeaders(sent);
      Object.assign(head, securityHeaders(sent), left, { 'x-request-id': requestId });
      response.writeHead(status, head);
    });
  }
}
