/**
 * The one entrance of the shop. A request's way through it, in this order: can it be read, whose
 * is it, may it be here, who answers it, and the answer's way back.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Log } from '../../kit/log.ts';
import { notFound, Problem, unavailable } from '../../kit/problem.ts';
import type { AccessLog } from './access-log.ts';
import { answerJson, answerProblem } from './answers.ts';
import type { ApiPages } from './api-pages.ts';
import { sendStored } from './cached-reads.ts';
import { spenderOf } from './client-limits.ts';
import { textOf } from './errand.ts';
import type { RequestMetrics } from './metrics.ts';
import { isForeignWrite } from './origin-check.ts';
import { Passage, type PassageParts, type Trace } from './passage.ts';
import { checkAnnouncedLength, hasBody } from './request-body.ts';
import {
  clientKey,
  nextRequestId,
  type PurchaseDesk,
  type RequestContext,
  traceparentOf,
} from './request-context.ts';
import { type Destination, type MethodsOf, routeOf } from './routes.ts';
import type { Sessions } from './session.ts';
import { type WaitingRoom, waitingProblem } from './waiting-room.ts';

const purchaseBytesMax = 64 * 1_024;
/** Purchases that wait for their outcome: each holds a connection and some kilobytes. */
const openPurchasesMax = 10_000;

export interface GatewayParts extends PassageParts {
  readonly sessions: Sessions;
  readonly desk: PurchaseDesk;
  readonly apiPages: ApiPages;
  readonly accessLog: AccessLog;
  readonly log: Log;
  readonly methodsOf: MethodsOf;
  readonly metrics?: RequestMetrics;
  readonly waitingRoom?: WaitingRoom;
}

export class Gateway {
  readonly #parts: GatewayParts;
  readonly #passage: Passage;
  #openPurchases = 0;
  #draining = false;

  constructor(parts: GatewayParts) {
    this.#parts = parts;
    this.#passage = new Passage(parts);
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
    const startedAt = performance.now();
    this.#answer(request, response, requestId, startedAt).catch((error: unknown) => {
      this.#refuse(request, response, requestId, error);
    });
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    requestId: string,
    startedAt: number,
  ): Promise<void> {
    const { methodsOf } = this.#parts;
    const { method = 'GET', url = '/' } = request;
    const destination = routeOf(method, url, methodsOf);
    const trace: Trace = { by: 'gateway' };
    response.once('close', () => {
      const route = routeName(destination);
      const status = response.headersSent ? response.statusCode : 499;
      const milliseconds = Math.round(performance.now() - startedAt);
      this.#parts.metrics?.record(route, status, milliseconds);
      this.#parts.accessLog.record({
        requestId,
        method,
        route,
        status,
        milliseconds,
        by: trace.by,
      });
    });
    if (isForeignWrite(request)) {
      throw new Problem(403, 'foreign-origin', 'Not allowed from another site', {
        detail: 'writes are accepted from the shop’s own pages and from programs',
      });
    }
    this.#waitInLine(request, response);
    const context = await this.#contextOf(request, response, destination, requestId);
    switch (destination.kind) {
      case 'proxy':
        await this.#passage.pass(request, response, context, destination.rule, trace, () => {
          return !this.#closesConnection(request);
        });
        return;
      case 'buy':
        await this.#buy(request, response, context);
        return;
      case 'checkout':
        this.#parts.desk.checkout(request, response, context);
        return;
      case 'checkout-events':
        this.#parts.desk.checkoutEvents(request, response, context);
        return;
      case 'own':
        this.#ownPage(request, response, destination.page, requestId);
        return;
      case 'options':
        response.writeHead(204, { allow: destination.allow.join(', '), 'x-request-id': requestId });
        response.end();
        return;
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

  async #contextOf(
    request: IncomingMessage,
    response: ServerResponse,
    destination: Destination,
    requestId: string,
  ): Promise<RequestContext> {
    const { sessions, credentials } = this.#parts;
    const protocol = credentials.encrypted ? 'https' : 'http';
    const visitor = await sessions.visitorOf(request.headers.cookie, protocol);
    const shared = destination.kind === 'proxy' && destination.rule.cache !== 'none';
    if (visitor.setCookie !== null && !shared)
      response.appendHeader('set-cookie', visitor.setCookie);
    return {
      requestId,
      traceparent: traceparentOf(textOf(request.headers['traceparent'])),
      principal: visitor.principal,
      client: clientKey(request.socket.remoteAddress),
    };
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

  async #buy(
    request: IncomingMessage,
    response: ServerResponse,
    context: RequestContext,
  ): Promise<void> {
    checkAnnouncedLength(request, purchaseBytesMax);
    const { limits, desk } = this.#parts;
    const left = await limits.spend('purchase', spenderOf(request, context));
    if (this.#openPurchases >= openPurchasesMax) throw unavailable('too many purchases at once', 2);
    this.#openPurchases += 1;
    response.once('close', () => {
      this.#openPurchases -= 1;
    });
    for (const [name, value] of Object.entries(left)) response.setHeader(name, value);
    desk.buy(request, response, context);
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

function routeName(destination: Destination): string {
  if (destination.kind === 'proxy') return destination.rule.prefix;
  return destination.kind === 'own' ? destination.page : destination.kind;
}
