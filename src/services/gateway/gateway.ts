/**
 * The gateway: all requests from outside come here. A request goes through a list of steps, in
 * order, until one answers it; a step that refuses it throws a Problem.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { hostName, type OwnHosts } from '../../kit/http/own-hosts.ts';
import { checkStaff } from '../../kit/http/principal.ts';
import { badRequest, notFound, Problem, unavailable } from '../../kit/http/problem.ts';
import type { Log } from '../../kit/log.ts';
import type { AccessLog } from './answer/access-log.ts';
import { answerProblem } from './answer/answers.ts';
import type { RequestMetrics } from './answer/request-metrics.ts';
import { sendStored } from './cache/cached-reads.ts';
import { Exchange, type Step } from './exchange.ts';
import { ProxySteps, type ProxyStepsParts } from './forward/proxy-steps.ts';
import { onResponseClose } from './listener/response-close.ts';
import type { PurchaseHandler } from './purchase/purchase-handler.ts';
import type { ApiPages } from './routing/api-pages.ts';
import { normalisedTarget, pathOf } from './routing/request-target.ts';
import { type Destination, isPage, routeOf } from './routing/routes.ts';
import type { Clients } from './visitor/client.ts';
import { isForeignWrite } from './visitor/origin-check.ts';
import type { Sessions } from './visitor/session.ts';
import { type WaitingRoom, waitingProblem } from './visitor/waiting-room.ts';

/** Purchases that wait for their outcome; each needs a connection and some kilobytes. */
const openPurchasesMax = 10_000;
const healthBody = '{"status":"alive"}';
const healthHeaders = {
  'content-type': 'application/json; charset=utf-8',
  'content-length': healthBody.length,
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
};

export interface GatewayParts extends ProxyStepsParts {
  readonly clients: Clients;
  readonly hosts: OwnHosts;
  /** HSTS: how long browsers that came over TLS must use TLS. */
  readonly hstsSeconds: number;
  readonly sessions: Sessions;
  readonly purchases: Pick<PurchaseHandler, 'buy' | 'checkout' | 'checkoutEvents'>;
  readonly apiPages: ApiPages;
  readonly accessLog: AccessLog;
  readonly log: Log;
  readonly metrics?: RequestMetrics;
  readonly waitingRoom?: WaitingRoom;
}

export class Gateway {
  readonly #parts: GatewayParts;
  readonly #steps: readonly Step[];
  #openPurchases = 0;
  #draining = false;

  constructor(parts: GatewayParts) {
    this.#parts = parts;
    const proxy = new ProxySteps(parts, () => this.#draining);
    this.#steps = [
      this.#identifyClient,
      this.#chooseRoute,
      this.#refuseForeignWrite,
      this.#waitInLine,
      this.#answerFromCache,
      this.#recordAtEnd,
      this.#answerHere,
      proxy.limitNetwork,
      this.#findSession,
      proxy.limitAccount,
      this.#requireStaff,
      this.#answerPurchase,
      proxy.fetchShared,
      proxy.forward,
    ];
  }

  /** From now on every answer closes its connection, so the client connects to another gateway. */
  drain(): void {
    this.#draining = true;
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    const exchange = new Exchange(request, response);
    if (this.#draining && request.httpVersionMajor < 2) response.shouldKeepAlive = false;
    try {
      const running = this.#run(exchange, 0);
      if (running !== undefined) running.catch((error) => this.#refuse(exchange, error));
    } catch (error) {
      this.#refuse(exchange, error);
    }
  }

  /** Runs the steps from `first` on: without a promise unless a step returns one. */
  #run(exchange: Exchange, first: number): Promise<void> | undefined {
    for (let at = first; at < this.#steps.length; at += 1) {
      const answered = this.#steps[at]?.(exchange);
      if (answered instanceof Promise) {
        return answered.then((done) => (done ? undefined : this.#run(exchange, at + 1)));
      }
      if (answered === true) return undefined;
    }
    throw new Error('no step answered the request');
  }

  readonly #identifyClient: Step = (exchange) => {
    const { clients, hosts, hstsSeconds } = this.#parts;
    const { request, response } = exchange;
    exchange.client = clients.of(request);
    const { scheme, host } = exchange.client;
    if (scheme === 'https') {
      response.setHeader('strict-transport-security', `max-age=${hstsSeconds}`);
    }
    if (host === '') return false; // HTTP/1.0
    const name = hostName(host);
    if (name === null) throw badRequest('the header Host names no host');
    if (hosts.accepts(name)) return false;
    throw new Problem(421, 'unknown-host', 'This shop has another name', {
      detail: 'the name is not one of DOORBUSTER_HOSTS, by which the shop is reached',
    });
  };

  readonly #chooseRoute: Step = (exchange) => {
    const { request } = exchange;
    const target = normalisedTarget(request.url ?? '/');
    if (target === null) throw badRequest('the path cannot be read');
    request.url = target; // all later steps use the normalised target
    exchange.destination = routeOf(request.method ?? 'GET', target);
    return false;
  };

  readonly #refuseForeignWrite: Step = ({ request, client }) => {
    if (!isForeignWrite(request, client.host)) return false;
    throw new Problem(403, 'foreign-origin', 'Not allowed from another site', {
      detail: 'writes are accepted from the shop’s own pages and from programs',
    });
  };

  /** Only pages and purchases wait: not pictures, scripts, data and look-ups. */
  readonly #waitInLine: Step = ({ request, response, destination, client }) => {
    const { waitingRoom } = this.#parts;
    if (waitingRoom === undefined) return false;
    if (destination.kind !== 'buy' && !isPage(destination, request.url ?? '/')) return false;
    const known = waitingRoom.ticketOf(request, client);
    const decide = (): false => {
      const decision = waitingRoom.decide(request, client, known);
      if (decision.kind === 'full') throw unavailable('the line is full', 10);
      if (decision.cookie !== undefined) response.setHeader('set-cookie', decision.cookie);
      if (decision.kind === 'waits') throw waitingProblem(decision.place);
      return false;
    };
    if (known !== null) return decide();
    const { limits } = this.#parts;
    return Promise.resolve(limits.consume('new-place', 'network', client.network)).then(decide);
  };

  readonly #answerFromCache: Step = ({ request, response, requestId, isRead }) =>
    isRead && this.#parts.reads.serve(request, response, requestId);

  readonly #recordAtEnd: Step = (exchange) => {
    exchange.isRecorded = true;
    const startedAt = performance.now();
    if (exchange.destination.kind === 'buy') this.#openPurchases += 1;
    onResponseClose(exchange.response, { onClose: () => this.#record(exchange, startedAt) });
    return false;
  };

  #record(exchange: Exchange, startedAt: number): void {
    const { request, response, destination, requestId, by } = exchange;
    if (!response.writableFinished) exchange.abandon?.();
    if (destination.kind === 'buy') this.#openPurchases -= 1;
    const { method = 'GET' } = request;
    const route = routeName(destination);
    const status = response.headersSent ? response.statusCode : 499;
    const milliseconds = Math.round(performance.now() - startedAt);
    this.#parts.metrics?.record(route, status, milliseconds);
    this.#parts.accessLog.record({ requestId, method, route, status, milliseconds, by });
  }

  readonly #answerHere: Step = ({ request, response, requestId, destination }) => {
    switch (destination.kind) {
      case 'health':
        response.writeHead(200, healthHeaders);
        response.end(request.method === 'HEAD' ? undefined : healthBody);
        return true;
      case 'api-page': {
        const found = this.#parts.apiPages.find(pathOf(request.url ?? ''));
        if (found === undefined) throw notFound('no such address');
        sendStored(request, response, found, requestId);
        return true;
      }
      case 'options': {
        const allow = destination.allow.join(', ');
        response.writeHead(204, { allow, 'x-request-id': requestId });
        response.end();
        return true;
      }
      case 'unknown':
        throw notFound('no such address');
      case 'wrong-method': {
        const allow = destination.allow.join(', ');
        const extras = { detail: `allowed here: ${allow}` };
        throw new Problem(405, 'method-not-allowed', 'Method not allowed', extras, { allow });
      }
      default:
        return false;
    }
  };

  readonly #findSession: Step = (exchange) => {
    const { request, response, client, destination } = exchange;
    const { cookie } = request.headers;
    const rule = destination.kind === 'proxy' ? destination.rule : null;
    if (cookie === undefined || (rule?.takesToken === true && showsToken(request))) return false;
    const { sessions } = this.#parts;
    const checking =
      destination.kind === 'buy' || rule?.needsLiveSession === true
        ? sessions.liveHolderOf(cookie, client.scheme)
        : sessions.holderOf(cookie, client.scheme);
    return checking.then(({ principal, setCookie }) => {
      exchange.principal = principal;
      const isShared = rule !== null && rule.cache !== 'none';
      if (setCookie !== null && !isShared) response.appendHeader('set-cookie', setCookie);
      return false;
    });
  };

  /** Before a body is read. The service itself checks what only the owner may do. */
  readonly #requireStaff: Step = ({ destination, principal }) => {
    if (destination.kind === 'proxy' && destination.rule.staffOnly) checkStaff(principal);
    return false;
  };

  /** Purchases and checkouts, which the gateway answers itself. */
  readonly #answerPurchase: Step = ({
    request,
    response,
    destination,
    requestId,
    principal,
    client,
    limitHeaders,
  }) => {
    const { purchases } = this.#parts;
    const visitor = { requestId, principal, client };
    if (destination.kind === 'checkout') purchases.checkout(request, response, visitor);
    else if (destination.kind === 'checkout-events') {
      purchases.checkoutEvents(request, response, visitor);
    } else if (destination.kind === 'buy') {
      if (this.#openPurchases > openPurchasesMax)
        throw unavailable('too many purchases at once', 2);
      for (const [name, value] of Object.entries(limitHeaders)) response.setHeader(name, value);
      purchases.buy(request, response, visitor);
    } else return false;
    return true;
  };

  #refuse(exchange: Exchange, error: unknown): void {
    const { request, response, requestId } = exchange;
    if (!exchange.isRecorded) this.#recordAtEnd(exchange);
    if (!(error instanceof Problem)) this.#parts.log.error({ err: error, requestId }, 'defect');
    const problem =
      error instanceof Problem ? error : new Problem(500, 'internal', 'Something went wrong here');
    if (response.headersSent) response.destroy();
    else answerProblem(request, response, problem, requestId);
  }
}

/** The token of an order is enough to see it, also while sessions cannot be checked. */
function showsToken({ url = '' }: IncomingMessage): boolean {
  return new URLSearchParams(url.split('?')[1]).has('token');
}

function routeName(destination: Destination): string {
  return destination.kind === 'proxy' ? destination.rule.name : destination.kind;
}
