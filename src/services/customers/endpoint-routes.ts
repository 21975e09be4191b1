/**
 * Serves endpoints as the contract describes them: the same schemas validate here and build the
 * OpenAPI document. Bodies are taken literally (a quantity of `null` or `"2"` is an error, never
 * a 0 or a 2); queries and paths are text, so there numbers are read from it.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { Value } from 'typebox/value';
import type { Endpoint } from '../../api/endpoint.ts';

export interface Parts {
  readonly Body?: unknown;
  readonly Params?: unknown;
  readonly Querystring?: unknown;
}

export type Handler<P extends Parts> = (
  request: FastifyRequest<P>,
  reply: FastifyReply,
) => Promise<unknown>;

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
    validatorCompiler: ({ schema, httpPart }) => validator(schema as TSchema, httpPart === 'body'),
    handler: ((request: FastifyRequest<P>, reply: FastifyReply) => {
      reply.header('cache-control', 'no-store'); // all answers here belong to one person
      return handler(request, reply);
    }) as never,
  });
}

type Validation = { readonly value: unknown } | { readonly error: never };

function validator(schema: TSchema, isLiteral: boolean): (data: unknown) => Validation {
  const compiled = Compile(schema);
  return (data) => {
    const value = isLiteral ? data : Value.Convert(schema, Value.Default(schema, data));
    if (compiled.Check(value)) return { value };
    return { error: compiled.Errors(value) as unknown as never };
  };
}

/** A JSON content type with nothing behind it is an empty body, as many clients send on POST. */
export function allowEmptyJson(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'ignore');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') return done(null, undefined);
    parse(request, body as string, done);
  });
}
