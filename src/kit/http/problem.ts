/**
 * Errors that a caller can act on, as RFC 9457 `application/problem+json`.
 * A handler throws a Problem for an expected refusal. Anything else that is thrown is a defect: its
 * answer is a 500 without a stack trace. One place translates errors to HTTP (service.ts).
 */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly errors?: readonly FieldError[];
  readonly [extra: string]: unknown;
}

export const problemContentType = 'application/problem+json; charset=utf-8';
const problemTypeRoot = 'https://doorbuster.example/problems/';

export class Problem extends Error {
  readonly body: ProblemBody;
  /** Extra response headers, e.g. `Retry-After`. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    kind: string,
    title: string,
    extras: Readonly<Record<string, unknown>> = {},
    headers: Readonly<Record<string, string>> = {},
  ) {
    // A refusal is not a defect: nobody reads its stack trace, and making one costs 5 µs.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(title);
    Error.stackTraceLimit = stackTraceLimit;
    this.name = 'Problem';
    this.body = { type: problemTypeRoot + kind, title, status, ...extras };
    this.headers = headers;
  }
}

export function badRequest(detail: string): Problem {
  return new Problem(400, 'bad-request', 'The request cannot be read', { detail });
}

export function invalid(errors: readonly FieldError[], detail?: string): Problem {
  const extras = detail === undefined ? { errors } : { detail, errors };
  return new Problem(422, 'invalid', 'The request is not valid', extras);
}

export function notFound(detail: string): Problem {
  return new Problem(404, 'not-found', 'Not found', { detail });
}

export function unavailable(detail: string, retryAfterSeconds = 1): Problem {
  const headers = { 'retry-after': String(retryAfterSeconds) };
  return new Problem(503, 'unavailable', 'Temporarily unavailable', { detail }, headers);
}
