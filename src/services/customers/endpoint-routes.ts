/**
 * Serves endpoints as the contract describes them: the same schemas validate here and build the
 * OpenAPI document.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Endpoint } from '../../api/endpoint.ts';
import { type CallHandler, serveCall } from '../../kit/http/call-table.ts';

export interface Parts {
  readonly Body?: unknown;
  readonly Params?: unknown;
  readonly Querystring?: unknown;
}

export type Handler<P extends Parts> = (
  request: FastifyRequest<P>,
  reply: FastifyReply,
) => Promise<unknown>;

/** All answers here belong to one person. */
const privateAnswer = { 'cache-control': 'no-store' };

/** `/api/carts/{id}` as Fastify writes it: `/api/carts/:id`. */
function routePath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

export function serve<P extends Parts>(
  app: FastifyInstance,
  endpoint: Endpoint,
  handler: Handler<P>,
): void {
  const { method, path, params, query, body } = endpoint;
  app.route<P>({
    method,
    url: routePath(path),
    schema: {
      ...(params && { params }),
      ...(query && { querystring: query }),
      ...(body && { body }),
    },
    handler: ((request: FastifyRequest<P>, reply: FastifyReply) => {
      reply.headers(privateAnswer);
      return handler(request, reply);
    }) as never,
  });
}

/** As `serve`, for an endpoint that a crowd asks: calls of one moment may come as one request. */
export function serveCrowd<Params, Body = unknown>(
  app: FastifyInstance,
  endpoint: Endpoint,
  handler: CallHandler<Params, Body>,
): void {
  const { method, path, params, body } = endpoint;
  serveCall(app, {
    method,
    path: routePath(path),
    schema: { ...(params && { params }), ...(body && { body }) },
    headers: privateAnswer,
    handler,
  });
}
