/**
 * Call bundles: `POST /internal/calls` holds many small requests in one message. One response holds
 * their answers, each written as soon as it is known.
 *
 * On loopback an HTTP request costs both sides together some 150 µs before its handler runs, and
 * under load the gateway sends hundreds in one turn of the event loop. A call of a bundle costs a
 * tenth of that: no socket, no parser, no request and response objects. (Fastify's `inject`, which
 * would need no table, costs as much as a request of its own.) Figures: decision 15.
 *
 * `serveCall` registers a route twice, so a call of a bundle meets the same handler, schemas and
 * errors as a request of its own. It has no cookies and no query. The caller sends a call for which
 * the table has no route again, as a request of its own.
 */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { TSchema } from 'typebox';
import {
  type AnswerHead,
  type BundledCall,
  bundlePath,
  encodeAnswer,
  notBundled,
} from './call-wire.ts';
import { atEndOfTurn } from './end-of-turn.ts';
import { badRequest, type Problem, problemContentType } from './problem.ts';
import { validatorCompiler } from './validation.ts';

/** What a handler sees of a call, in a bundle or as a request of its own. */
export interface Call<Params = unknown, Body = unknown, Query = unknown> {
  readonly params: Params;
  /** In a bundle: the defaults of the schema. */
  readonly query: Query;
  readonly body: Body;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface CallAnswer {
  /** 200 where it is missing. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Is sent as JSON; undefined for no body. */
  readonly body?: unknown;
}

export type CallHandler<Params, Body, Query = unknown> = (
  call: Call<Params, Body, Query>,
) => Promise<CallAnswer>;

export interface CallRoute {
  readonly method: string;
  /** `/carts/:id`: a segment that begins with a colon is a parameter. */
  readonly path: string;
  readonly schema: {
    readonly params?: TSchema;
    readonly body?: TSchema;
    readonly querystring?: TSchema;
  };
  /** Headers of every answer of the handler, a refusal too. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly handler: CallHandler<never, never, never>;
}

type Check = (value: unknown) => { readonly value: unknown } | { readonly error: unknown };

const jsonType = 'application/json; charset=utf-8';

interface Entry {
  readonly segments: readonly string[];
  readonly params: Check | null;
  readonly body: Check | null;
  readonly query: unknown;
  readonly headers: Readonly<Record<string, string>>;
  readonly handler: CallHandler<unknown, unknown>;
}

export interface CallTableParts {
  /** The Problem to answer with. Logs a defect. */
  readonly toProblem: (error: unknown, call: BundledCall) => Problem;
  /** Undefined for an empty text. Throws an error that `toProblem` knows. */
  readonly parseJson: (text: string) => unknown;
}

export class CallTable {
  readonly #parts: CallTableParts;
  readonly #entries = new Map<string, Entry[]>();
  /** Calls that came in bundles since the start, except the first of each bundle. */
  extraCalls = 0;

  constructor(parts: CallTableParts) {
    this.#parts = parts;
  }

  /** As with Fastify's router, a route with fewer parameters goes before one with more. */
  add({ method, path, schema, headers = {}, handler }: CallRoute): void {
    const { params, body, querystring } = schema;
    const segments = path.split('/');
    const shape = shapeOf(method, segments.length);
    const entries = this.#entries.get(shape) ?? [];
    entries.push({
      segments,
      params: params === undefined ? null : checkOf(params, 'params'),
      body: body === undefined ? null : checkOf(body, 'body'),
      query:
        querystring === undefined
          ? {}
          : checked(checkOf(querystring, 'querystring'), {}, 'querystring'),
      headers,
      handler: handler as CallHandler<unknown, unknown>,
    });
    entries.sort((a, b) => parameterCount(a.segments) - parameterCount(b.segments));
    this.#entries.set(shape, entries);
  }

  /** The encoded answer. Never rejects: an error becomes an answer too. */
  async answer(index: number, call: BundledCall): Promise<string> {
    let routeHeaders: Readonly<Record<string, string>> = {};
    const encode = (head: Omit<AnswerHead, 'index'>, body: unknown) =>
      encodeAnswer({ index, ...head }, body === undefined ? '' : JSON.stringify(body));
    try {
      const found = this.#find(call);
      if (found === null) return encodeAnswer({ index, status: notBundled, headers: {} }, '');
      const { entry, params, body } = found;
      const { query } = entry;
      routeHeaders = entry.headers;
      const answer = await entry.handler({ params, query, body, headers: call.headers });
      const headers = { 'content-type': jsonType, ...routeHeaders, ...answer.headers };
      return encode({ status: answer.status ?? 200, headers }, answer.body);
    } catch (error) {
      const problem = this.#parts.toProblem(error, call);
      const headers = { 'content-type': problemContentType, ...routeHeaders, ...problem.headers };
      return encode({ status: problem.body.status, headers }, problem.body);
    }
  }

  #find({ method, path, body: text }: BundledCall) {
    const segments = path.split('/');
    for (const entry of this.#entries.get(shapeOf(method, segments.length)) ?? []) {
      const found = paramsOf(entry.segments, segments);
      if (found === null) continue;
      const params = checked(entry.params, found, 'params');
      const given = this.#parts.parseJson(text ?? '');
      return { entry, params, body: checked(entry.body, given, 'body') };
    }
    return null;
  }
}

function shapeOf(method: string, segments: number): string {
  return `${method} ${segments}`;
}

function parameterCount(segments: readonly string[]): number {
  return segments.filter((segment) => segment.startsWith(':')).length;
}

type Part = 'params' | 'querystring' | 'body';

function checkOf(schema: TSchema, httpPart: Part): Check {
  return validatorCompiler({ schema, method: '', url: '', httpPart }) as Check;
}

/** Throws the same error as Fastify where a value does not fit the schema. */
function checked(check: Check | null, value: unknown, context: Part): unknown {
  if (check === null) return value;
  const result = check(value);
  if ('value' in result) return result.value;
  const error = new Error('not as the schema asks');
  throw Object.assign(error, { validation: result.error, validationContext: context });
}

function paramsOf(
  pattern: readonly string[],
  segments: readonly string[],
): Record<string, string> | null {
  const params: Record<string, string> = {};
  for (const [at, expected] of pattern.entries()) {
    const segment = segments[at] ?? '';
    if (expected.startsWith(':'))
      params[expected.slice(1)] = segment; // empty ones: see the schema
    else if (expected !== segment) return null;
  }
  return params;
}

function isCall(value: unknown): value is BundledCall {
  if (typeof value !== 'object' || value === null) return false;
  const { method, path, headers, body } = value as Record<string, unknown>;
  const isNamed = typeof method === 'string' && typeof path === 'string';
  const isText = body === undefined || typeof body === 'string';
  return isNamed && isText && typeof headers === 'object' && headers !== null;
}

export function addBundleRoute(app: FastifyInstance, table: CallTable): void {
  app.post(bundlePath, async (request, reply) => {
    const calls: unknown = request.body;
    if (!Array.isArray(calls) || calls.length === 0 || !calls.every(isCall)) {
      throw badRequest('the body is not a bundle of calls');
    }
    table.extraCalls += calls.length - 1;
    reply.hijack();
    answerBundle(table, calls, reply.raw);
  });
}

/** Registers a route twice: for requests of its own, and for bundles. */
export function serveCall<Params = unknown, Body = unknown, Query = unknown>(
  app: FastifyInstance,
  route: Omit<CallRoute, 'handler'> & { readonly handler: CallHandler<Params, Body, Query> },
): void {
  const { method, path: url, schema, headers = {}, handler } = route;
  app.route({
    method,
    url,
    schema,
    handler: async (request, reply) => {
      reply.headers(headers);
      const answer = await handler(request as never);
      return reply
        .code(answer.status ?? 200)
        .headers(answer.headers ?? {})
        .send(answer.body);
    },
  });
  app.calls.add(route);
}

function answerBundle(
  table: CallTable,
  calls: readonly BundledCall[],
  response: FastifyReply['raw'],
): void {
  let open = calls.length;
  let unsent = '';
  let isFlushScheduled = false;
  const flush = (): void => {
    isFlushScheduled = false;
    if (response.destroyed || unsent === '') return;
    if (open > 0) response.write(unsent);
    else response.end(unsent);
    unsent = '';
  };
  response.setHeader('content-type', 'application/octet-stream');
  for (const [index, call] of calls.entries()) {
    table.answer(index, call).then((answer) => {
      open -= 1;
      unsent += answer;
      if (open === 0) flush();
      else if (!isFlushScheduled) {
        isFlushScheduled = true;
        atEndOfTurn(flush);
      }
    });
  }
}
