/**
 * The one entrance of the shop. A request's way through it, in this order: can it be read, whose
 * is it, may it be here, who answers it, and the answer's way back.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { LoadBalancer } from '../../kit/load-balancer.ts';
import type { Log } from '../../kit/log.ts';
import { notFound, Problem } from '../../kit/problem.ts';
import type { AccessLog } from './access-log.ts';
import { answerJson, answerProblem } from './answers.ts';
import type { ApiPages } from './api-pages.ts';
import { type CachedReads, sendStored } from './cached-reads.ts';
import { type Credentials, personalErrand, textOf } from './errand.ts';
import { isForeignWrite } from './origin-check.ts';
import { forward, publicHeaders } from './proxy.ts';
import { relayTo } from './relay.ts';
import { checkAnnouncedLength, hasBody } from './request-body.ts';
import {
  clientKey,
  nextRequestId,
  type PurchaseDesk,
  type RequestContext,
  traceparentOf,
} from './request-context.ts';
import { type Destination, type MethodsOf, type Rule, routeOf } from './routes.ts';
import { securityHeaders } from './security-headers.ts';
import type { Sessions } from './session.ts';

const purchaseBytesMax = 64 * 1_024;

export interface GatewayParts {
  readonly balancer: LoadBalancer;
  readonly sessions: Sessions;
  readonly reads: CachedReads;
  readonly desk: PurchaseDesk;
  readonly apiPages: ApiPages;
  readonly accessLog: AccessLog;
  readonly log: Log;
  readonly credentials: Credentials;
  readonly methodsOf: MethodsOf;
}

export class Gateway {
  readonly #parts: GatewayParts;
  #draining = false;

  constructor(parts: GatewayParts) {
    this.#parts = parts;
  }

  /** From now on every answer asks its client to connect anew, elsewhere. */
  drain(): void {
    this.#draining = true;
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    const requestId = nextRequestId();
    if (this.#closesConnection(request)) response.shouldKeepAlive = false;
    const { method } = request;
    const reads = method === 'GET' || method === 'HEAD';
    if (reads && this.#parts.reads.serve(request, response, requestId)) return;
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
    const { sessions, methodsOf } = this.#parts;
    const { method = 'GET', url = '/' } = request;
    const destination = routeOf(method, url, methodsOf);
    const seen = { by: 'gateway' };
    response.once('close', () => {
      this.#parts.accessLog.record({
        requestId,
        method,
        route: routeName(destination),
        status: response.headersSent ? response.statusCode : 499,
        milliseconds: Math.round(performance.now() - startedAt),
        by: seen.by,
      });
    });
    if (isForeignWrite(request)) {
      throw new Problem(403, 'foreign-origin', 'Not allowed from another site', {
        detail: 'writes are accepted from the shop’s own pages and from programs',
      });
    }
    const context: RequestContext = {
      requestId,
      traceparent: traceparentOf(textOf(request.headers['traceparent'])),
      principal: await sessions.principalOf(request.headers.cookie),
      client: clientKey(request.socket.remoteAddress),
    };
    switch (destination.kind) {
      case 'proxy':
        await this.#proxy(request, response, context, destination.rule, seen);
        return;
      case 'buy':
        checkAnnouncedLength(request, purchaseBytesMax);
        this.#parts.desk.buy(request, response, context);
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

  async #proxy(
    request: IncomingMessage,
    response: ServerResponse,
    context: RequestContext,
    rule: Rule,
    seen: { by: string },
  ): Promise<void> {
    if (await this.#sharedAnswer(request, response, context, rule)) {
      seen.by = 'cache';
      return;
    }
    const errand = await personalErrand(request, context, rule, this.#parts.credentials);
    const sink = relayTo(response, (status, sent, by) => {
      seen.by = by;
      if (this.#closesConnection(request)) response.shouldKeepAlive = false;
      response.writeHead(status, {
        ...publicHeaders(sent),
        ...securityHeaders(sent, this.#parts.credentials.encrypted),
        'x-request-id': context.requestId,
      });
    });
    await forward(this.#parts.balancer, errand, sink);
  }

  /** True where the answer is the same for everyone, and has been given. */
  async #sharedAnswer(
    request: IncomingMessage,
    response: ServerResponse,
    { requestId, traceparent, principal }: RequestContext,
    rule: Rule,
  ): Promise<boolean> {
    const { method } = request;
    if (rule.cache === 'none' || (method !== 'GET' && method !== 'HEAD')) return false;
    if (rule.cache === 'page' && principal !== null) return false;
    return await this.#parts.reads.answer(request, response, requestId, traceparent, rule);
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
