/** Calls to the shop's own API from the browser. What can be expected to happen is returned. */
import type { ProblemDocument } from '../../../src/api/endpoint.ts';

export type Answer =
  | { readonly kind: 'ok'; readonly status: number; readonly body: unknown }
  | {
      readonly kind: 'problem';
      readonly status: number;
      readonly problem: ProblemDocument;
      readonly retryAfterSeconds: number | null;
    }
  /** Nothing came back: no network, or the answer broke off. What happened is unknown. */
  | { readonly kind: 'silence' };

export interface Question {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly deadlineMs?: number;
  /** Finish even when the page is left meanwhile. */
  readonly keepalive?: boolean;
}

const deadlineMsDefault = 10_000;

export async function askShop(path: string, question: Question = {}): Promise<Answer> {
  const { method = 'GET', body, headers = {}, keepalive = false } = question;
  const deadlineMs = question.deadlineMs ?? deadlineMsDefault;
  try {
    const response = await fetch(path, {
      method,
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? null : JSON.stringify(body),
      credentials: 'same-origin',
      cache: method === 'GET' ? 'no-cache' : 'no-store',
      keepalive,
      signal: AbortSignal.timeout(deadlineMs),
    });
    if (response.status === 204) return { kind: 'ok', status: 204, body: null };
    if (response.ok) return { kind: 'ok', status: response.status, body: await response.json() };
    const value: unknown = await response.json().catch(() => null);
    return {
      kind: 'problem',
      status: response.status,
      problem: problemFrom(response.status, value),
      retryAfterSeconds: secondsOf(response.headers.get('retry-after')),
    };
  } catch {
    return { kind: 'silence' };
  }
}

function problemFrom(status: number, value: unknown): ProblemDocument {
  const given = typeof value === 'object' && value !== null ? value : {};
  return { type: 'about:blank', title: 'Something went wrong', ...given, status };
}

function secondsOf(header: string | null): number | null {
  const seconds = Number(header ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : null;
}

/** Last part of a problem's type, e.g. `sold-out`. */
export function problemKind(problem: ProblemDocument): string {
  return problem.type.split('/').at(-1) ?? '';
}

/** Messages by the last part of the field's path: `body/shippingAddress/city` is `city`. */
export function fieldErrors(problem: ProblemDocument): Readonly<Record<string, string>> {
  const found = (problem.errors ?? []).map(({ path, message }) => {
    const field = path.split(/[/.]/).at(-1) ?? path;
    return [field, message] as const;
  });
  return Object.fromEntries(found);
}
