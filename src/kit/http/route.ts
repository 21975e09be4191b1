/**
 * A route of a contract, and how it is served. Its path and schemas are one object, which the
 * service, its callers (`InternalClient.call`) and OpenAPI share.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Static, TSchema } from 'typebox';
import { type CallHandler, serveCall } from './call-table.ts';

export interface Route<Answer = unknown> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path parameters are written as `{name}`. */
  readonly path: string;
  readonly params?: TSchema;
  readonly query?: TSchema;
  readonly body?: TSchema;
  /** True: a request without a body is accepted too. */
  readonly bodyOptional?: true;
  /** Never set: it holds the type of the answer. */
  readonly answer?: Answer;
}

type StaticOf<Given, Part extends string> =
  Given extends Readonly<Record<Part, infer Schema extends TSchema>> ? Static<Schema> : unknown;

/** For callers: nothing of it is changed. */
type ReadonlyDeep<T> = T extends object ? { readonly [Key in keyof T]: ReadonlyDeep<T[Key]> } : T;

export type BodyOf<Given> = ReadonlyDeep<StaticOf<Given, 'body'>>;
export type QueryOf<Given> = ReadonlyDeep<Partial<StaticOf<Given, 'query'>>>;
export type AnswerOf<Given> = Given extends { readonly answer?: infer Answer } ? Answer : unknown;

interface Parts<Given> {
  readonly Params: StaticOf<Given, 'params'>;
  readonly Querystring: StaticOf<Given, 'query'>;
  readonly Body: StaticOf<Given, 'body'>;
}

export type RouteHandler<Given> = (
  request: FastifyRequest<Parts<Given>>,
  reply: FastifyReply,
) => unknown;

/** `/api/carts/{id}` as Fastify writes it: `/api/carts/:id`. */
function fastifyPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

function fastifySchema({ params, query, body, bodyOptional }: Route) {
  return {
    ...(params && { params }),
    ...(query && { querystring: query }),
    ...(body && { body: bodyOptional ? { anyOf: [body, { type: 'null' }] } : body }),
  };
}

/** The route's schemas check the request before the handler sees it. */
export function serve<const Given extends Route>(
  app: FastifyInstance,
  route: Given,
  handler: RouteHandler<Given>,
): void {
  const url = fastifyPath(route.path);
  app.route({ method: route.method, url, schema: fastifySchema(route), handler: handler as never });
}

/**
 * As `serve`, for a route of many small requests: the gateway may send them in call bundles
 * (call-table.ts). Every answer has `headers`, a refusal too.
 */
export function serveBundled<const Given extends Route>(
  app: FastifyInstance,
  route: Given,
  headers: Readonly<Record<string, string>>,
  handler: CallHandler<
    StaticOf<Given, 'params'>,
    StaticOf<Given, 'body'>,
    StaticOf<Given, 'query'>
  >,
): void {
  const path = fastifyPath(route.path);
  serveCall(app, { method: route.method, path, schema: fastifySchema(route), headers, handler });
}

export type QueryTexts = Readonly<Record<string, string | number | undefined>>;

/** The target of one request: the path with its encoded parameters, then the query. */
export function pathOf(
  { path }: Pick<Route, 'path'>,
  params: Readonly<Record<string, string>> = {},
  query: QueryTexts = {},
): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name) => encodeURIComponent(params[name] ?? ''));
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) asked.set(name, String(value));
  }
  return asked.size === 0 ? filled : `${filled}?${asked}`;
}
