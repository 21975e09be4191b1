/**
 * The one entrance of the shop. A request's way through it, in this order: can it be read, whose
 * is it, may it be here, who answers it, and the answer's way back.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { notFound, Problem, unavailable } from '../../kit/http/problem.ts';
import type { Log } from '../../kit/log.ts';
import type { AccessLog } from './answer/access-log.ts';
import { answerJson, answerProblem } from './answer/answers.ts';
import type { RequestMetrics } from './answer/request-metrics.ts';
import { sendStored } from './cache/cached-reads.ts';
import { ProxyPipeline, type ProxyPipelineParts, type Trace } from './forward/proxy-pipeline.ts';
import { hasBody } from './listener/request-body.ts';
import { onResponseClose } from './listener/response-close.ts';
import type { ApiPages } from './routing/api-pages.ts';
import { type Destination, type MethodsOf, routeOf } from './routing/routes.ts';
import { spenderOf } from './visitor/client-limits.ts';
import { isForeignWrite } from './visitor/origin-check.ts';
import {
  contextOf,
  nextRequestId,
  type PurchaseRoutes,
  type Visitor,
} from './visitor/request-context.ts';
import { guest, type SessionHolder, type Sessions } from './visitor/session.ts';
import { type WaitingRoom, waitingProblem } from './visitor/waiting-room.ts';

/** Purchases that wait for their outcome: each holds a connection and some kilobytes. */
const openPurchasesMax = 10_000;

export interface GatewayParts extends ProxyPipelineParts {
  readonly sessions: Sessions;
  readonly purchases: PurchaseRoutes;
  readonly apiPages: ApiPages;
  readonly accessLog: AccessLog;
  readonly log: Log;
  readonly methodsOf: MethodsOf;
  readonly metrics?: RequestMetrics;
  readonly waitingRoom?: WaitingRoom;
}

/** What is written down when its answer is over. */
interface OpenVisit {
  readonly startedAt: number;
  readonly destination: Destination;
  readonly method: string;
  readonly requestId: string;
  readonly trace: Trace;
}

export class Gateway {
  readonly #parts: GatewayParts;
  readonly #pipeline: ProxyPipeline;
  #openPurchases = 0;
  #draining = false;

  constructor(parts: GatewayParts) {
    this.#parts = parts;
    this.#pipeline = new ProxyPipeline(parts);
  }

  /** From now on every answer asks its client to connect anew, elsewhere. */
  drain(): void {
    this.#draining = true;
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    const requestId = nextRequestId();
    if (this.#closesConnection(request)) response.shouldKeepAlive = false;
    const { method } = request;
    const { reads, waitingRoom } = this.#parts;
    const isRead = method === 'GET' || method === 'HEAD';
    const waits = waitingRoom?.gates(request) === true;
    if (isRead && !waits && reads.serve(request, response, requestId)) return;
    this.#answer(request, response, requestId).catch((error: unknown) => {
      this.#refuse(request, response, requestId, error);
    });
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    requestId: string,
  ): Promise<void> {
    const { method = 'GET', url = '/' } = request;
    const destination = routeOf(method, url, this.#parts.methodsOf);
    const trace: Trace = { by: 'gateway', abandon: null };
    this.#recordAtEnd(response, destination, method, requestId, trace);
    if (isForeignWrite(request)) {
      throw new Problem(403, 'foreign-origin', 'Not allowed from another site', {
        detail: 'writes are accepted from the shop’s own pages and from programs',
      });
    }
    this.#waitInLine(request, response);
    const { cookie } = request.headers;
    const { principal, setCookie } =
      this.#parts.sessions.holderWithout(cookie) ?? (await this.#holderOf(request, destination));
    const shared = destination.kind === 'proxy' && destination.rule.cache !== 'none';
    if (setCookie !== null && !shared) response.appendHeader('set-cookie', setCookie);
    await this.#send(request, response, destination, { requestId, principal }, trace);
  }

  #send(
    request: IncomingMessage,
    response: ServerResponse,
    destination: Destination,
    visitor: Visitor,
    trace: Trace,
  ): Promise<void> | void {
    switch (destination.kind) {
      case 'proxy': {
        const context = contextOf(request, visitor);
        return this.#pipeline.pass(request, response, context, destination.rule, trace, () => {
          return !this.#closesConnection(request);
        });
      }
      case 'buy':
        return this.#buy(request, response, visitor);
      case 'checkout':
        return this.#parts.purchases.checkout(request, response, visitor);
      case 'checkout-events':
        return this.#parts.purchases.checkoutEvents(request, response, visitor);
      case 'own':
        return this.#ownPage(request, response, destination.page, visitor.requestId);
      case 'options': {
        const allow = destination.allow.join(', ');
        response.writeHead(204, { allow, 'x-request-id': visitor.requestId });
        response.end();
        return;
      }
      case 'unreadable':
        throw new Problem(400, 'bad-request', 'The request cannot be read', {
          detail: destination.detail,
        });
      case 'unknown':
        throw notFound('no such address');
      case 'wrong-method': {
        const allow = destination.allow.join(', ');
        const extras = { detail: `allowed here: ${allow}` };
        throw new Problem(405, 'method-not-allowed', 'Method not allowed', extras, { allow });
      }
    }
  }

  #recordAtEnd(
    response: ServerResponse,
    destination: Destination,
    method: string,
    requestId: string,
    trace: Trace,
  ): void {
    const startedAt = performance.now();
    const visit: OpenVisit = { startedAt, destination, method, requestId, trace };
    onResponseClose(response, { onClose: (closed) => this.#record(closed, visit) });
    if (destination.kind === 'buy') this.#openPurchases += 1;
  }

  #record(response: ServerResponse, visit: OpenVisit): void {
    const { startedAt, destination, method, requestId, trace } = visit;
    if (!response.writableFinished) trace.abandon?.();
    if (destination.kind === 'buy') this.#openPurchases -= 1;
    const route = routeName(destination);
    const status = response.headersSent ? response.statusCode : 499;
    const milliseconds = Math.round(performance.now() - startedAt);
    this.#parts.metrics?.record(route, status, milliseconds);
    const { by } = trace;
    this.#parts.accessLog.record({ requestId, method, route, status, milliseconds, by });
  }

  #holderOf(
    { headers, url = '' }: IncomingMessage,
    destination: Destination,
  ): SessionHolder | Promise<SessionHolder> {
    const { sessions, credentials } = this.#parts;
    const scheme = credentials.encrypted ? 'https' : 'http';
    const rule = destination.kind === 'proxy' ? destination.rule : null;
    if (rule?.prefix === '/api/orders' && showsToken(url)) return guest;
    return destination.kind === 'buy' || rule?.needsLiveSession === true
      ? sessions.liveHolderOf(headers.cookie, scheme)
      : sessions.holderOf(headers.cookie, scheme);
  }

  #closesConnection(request: IncomingMessage): boolean {
    return this.#draining && request.httpVersionMajor < 2;
  }

  #ownPage(
    request: IncomingMessage,
    response: ServerResponse,
    page: 'health' | 'api',
    requestId: string,
  ): void {
    if (page === 'health') {
      answerJson(request, response, 200, { status: 'alive' });
      return;
    }
    const found = this.#parts.apiPages.find(request.url?.split('?', 1)[0] ?? '');
    if (found === undefined) throw notFound('no such address');
    sendStored(request, response, found, requestId);
  }

  /** Throws Problem 503 while it is not the visitor's turn. The cookie goes with any answer. */
  #waitInLine(request: IncomingMessage, response: ServerResponse): void {
    const { waitingRoom } = this.#parts;
    if (waitingRoom?.gates(request) !== true) return;
    const decision = waitingRoom.decide(request);
    if (decision.kind === 'full') throw unavailable('the line is full', 10);
    if (decision.cookie !== undefined) response.setHeader('set-cookie', decision.cookie);
    if (decision.kind === 'waits') throw waitingProblem(decision.place);
  }

  async #buy(request: IncomingMessage, response: ServerResponse, visitor: Visitor): Promise<void> {
    const { limits, purchases } = this.#parts;
    if (this.#openPurchases > openPurchasesMax) throw unavailable('too many purchases at once', 2);
    const left = await limits.spend('purchase', spenderOf(request, visitor));
    for (const [name, value] of Object.entries(left)) response.setHeader(name, value);
    purchases.buy(request, response, visitor);
  }

  #refuse(
    request: IncomingMessage,
    response: ServerResponse,
    requestId: string,
    error: unknown,
  ): void {
    if (!(error instanceof Problem)) {
      this.#parts.log.error({ err: error, requestId }, 'defect');
    }
    const problem =
      error instanceof Problem ? error : new Problem(500, 'internal', 'Something went wrong here');
    if (response.headersSent) response.destroy();
    else answerProblem(request, response, problem, { requestId, closeConnection: unread(request) });
    request.resume();
  }
}

/** True while parts of the request's body have not arrived: they are not worth waiting for. */
function unread(request: IncomingMessage): boolean {
  return !request.complete && hasBody(request);
}

/** An order's token is enough to see it, also while nobody's session can be checked. */
function showsToken(url: string): boolean {
  return new URLSearchParams(url.split('?')[1]).has('token');
}

function routeName(destination: Destination): string {
  if (destination.kind === 'proxy') return destination.rule.prefix;
  return destination.kind === 'own' ? destination.page : destination.kind;
}
