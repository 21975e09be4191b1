/**
 * Calls that travel together: `POST /internal/calls` carries many small requests of one moment in
 * one message, and their answers come back in another, each as soon as it is there.
 *
 * On loopback an HTTP request costs both sides together some 150 µs before anybody has looked at
 * what it asks, and a crowd sends hundreds in one turn of the event loop. Carried out from here a
 * call costs a tenth of that: no socket, no parser, no request and response objects. (Fastify's
 * `inject`, which would need no table, costs as much as one of its own.) Figures: decision 15.
 *
 * A call finds the same handler, schemas and errors here as it does as a request of its own
 * (`serveCall` registers both). It has no cookies and no query; one that no route takes is sent by
 * itself.
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

/** What a handler gets to know of a call, whichever way it came. */
export interface Call<Params = unknown, Body = unknown, Query = unknown> {
  readonly params: Params;
  /** In a bundle: what the schema says of a query that is not there. */
  readonly query: Query;
  readonly body: Body;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface CallAnswer {
  /** 200 where it is not said. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** To be written as JSON; undefined for none. */
  readonly body?: unknown;
}

export type CallHandler<Params, Body, Query = unknown> = (
  call: Call<Params, Body, Query>,
) => Promise<CallAnswer>;

export interface CallRoute {
  readonly method: string;
  /** `/carts/:id`: a segment that begins with a colon stands for any. */
  readonly path: string;
  readonly schema: {
    readonly params?: TSchema;
    readonly body?: TSchema;
    readonly querystring?: TSchema;
  };
  /** Of every answer of the handler, a refusal too. */
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

/** What becomes of an error: the Problem that is told, after it was logged where it must be. */
export type Excuse = (error: unknown, call: BundledCall) => Problem;

export interface CallTableParts {
  readonly excuse: Excuse;
  /** Undefined for an empty text. Throws what `excuse` knows. */
  readonly parseJson: (text: string) => unknown;
}

export class CallTable {
  readonly #parts: CallTableParts;
  readonly #entries = new Map<string, Entry[]>();
  /** Calls that came in bundles since the start, without the first of each. */
  carried = 0;

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

  /** The answer as it is written down. Never rejects: what goes wrong is an answer too. */
  async answer(index: number, call: BundledCall): Promise<string> {
    let given: Record<string, string> = {};
    const told = (head: Omit<AnswerHead, 'index'>, body: unknown) =>
      encodeAnswer({ index, ...head }, body === undefined ? '' : JSON.stringify(body));
    try {
      const found = this.#find(call);
      if (found === null) return encodeAnswer({ index, status: notBundled, headers: {} }, '');
      const { entry, params, body } = found;
      const { query } = entry;
      given = { ...entry.headers };
      const answer = await entry.handler({ params, query, body, headers: call.headers });
      const headers = { 'content-type': jsonType, ...given, ...answer.headers };
      return told({ status: answer.status ?? 200, headers }, answer.body);
    } catch (error) {
      const problem = this.#parts.excuse(error, call);
      const headers = { 'content-type': problemContentType, ...given, ...problem.headers };
      return told({ status: problem.body.status, headers }, problem.body);
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

/** Throws as Fastify does where a value is not what the schema asks for. */
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
      throw badRequest('this is no bundle of calls');
    }
    table.carried += calls.length - 1;
    reply.hijack();
    carryOut(table, calls, reply.raw);
  });
}

/** A route that is served by itself, and in bundles. */
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
      return answerCall(reply, await handler(request as never));
    },
  });
  app.calls.add(route);
}

/** The same answer, by Fastify. */
function answerCall(reply: FastifyReply, { status = 200, headers = {}, body }: CallAnswer) {
  return reply.code(status).headers(headers).send(body);
}

function carryOut(
  table: CallTable,
  calls: readonly BundledCall[],
  response: FastifyReply['raw'],
): void {
  let open = calls.length;
  let told = '';
  let isToldSoon = false;
  const tellAll = (): void => {
    isToldSoon = false;
    if (response.destroyed || told === '') return;
    if (open > 0) response.write(told);
    else response.end(told);
    told = '';
  };
  response.setHeader('content-type', 'application/octet-stream');
  for (const [index, call] of calls.entries()) {
    table.answer(index, call).then((answer) => {
      open -= 1;
      told += answer;
      if (open === 0) tellAll();
      else if (!isToldSoon) {
        isToldSoon = true;
        atEndOfTurn(tellAll);
      }
    });
  }
}
