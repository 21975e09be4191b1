/** What a shopper did and saw: one purchase with every attempt of it, as written down. */
import type { CheckoutLine } from '../../src/shop/checkout.ts';
import type { ClientAnswer } from '../history/history.ts';

/** All shoppers of a drill buy under this address. */
export const shopperEmail = 'ada@example.com';

/** One request. Times in milliseconds since the Unix epoch, with fractions. */
export interface Attempt {
  readonly sentAt: number;
  readonly answeredAt: number;
  /** HTTP status; 0 where the connection broke or no answer came in time. */
  readonly status: number;
  readonly answer: ClientAnswer;
}

export interface PurchaseRecord {
  /** The Idempotency-Key as sent. */
  readonly key: string;
  readonly lines: readonly CheckoutLine[];
  readonly paymentToken: string;
  readonly attempts: readonly Attempt[];
}

/** How a purchase ended for its shopper. */
export type Ending = 'placed' | 'rejected' | 'refused' | 'unanswered';

export function endingOf({ attempts }: PurchaseRecord): Ending {
  const kind = attempts.at(-1)?.answer.kind;
  if (kind === 'placed' || kind === 'rejected') return kind;
  return kind === 'refused' || kind === 'key-reused' ? 'refused' : 'unanswered';
}

/** Milliseconds from the first request to the last answer. */
export function durationOf({ attempts }: PurchaseRecord): number {
  return endedAt(attempts) - startedAt(attempts);
}

export function startedAt(attempts: readonly Attempt[]): number {
  return attempts[0]?.sentAt ?? 0;
}

export function endedAt(attempts: readonly Attempt[]): number {
  return attempts.at(-1)?.answeredAt ?? 0;
}

interface AnswerBody {
  readonly type?: string;
  readonly checkoutId?: string;
  readonly id?: string;
  readonly number?: string;
  readonly total?: { readonly amount: number };
  readonly state?: string;
  readonly reason?: string;
  readonly order?: AnswerBody;
}

/** The answer to `POST /api/orders`. What is not understood is unknown, never a refusal. */
export function readPurchaseAnswer(status: number, text: string): ClientAnswer {
  const body = parse(text);
  if (body === null) return { kind: 'unknown' };
  if (status === 201) return readPlaced(body);
  if (status === 202 && body.id !== undefined) return { kind: 'accepted', checkoutId: body.id };
  const reason = body.type?.split('/').at(-1) ?? 'unnamed';
  if (status >= 400 && body.checkoutId !== undefined) {
    return { kind: 'rejected', checkoutId: body.checkoutId, reason };
  }
  if (reason === 'key-reused') return { kind: 'key-reused' };
  if ([409, 422].includes(status)) return { kind: 'refused', reason };
  if (status === 503 && reason === 'queue-full') return { kind: 'refused', reason };
  return { kind: 'unknown' };
}

/** The answer to `GET /api/checkouts/{id}`. */
export function readCheckoutAnswer(status: number, text: string): ClientAnswer {
  const body = parse(text);
  if (status !== 200 || body?.id === undefined) return { kind: 'unknown' };
  const checkoutId = body.id;
  if (body.state === 'queued') return { kind: 'accepted', checkoutId };
  if (body.state === 'rejected') {
    return { kind: 'rejected', checkoutId, reason: body.reason ?? 'unnamed' };
  }
  return body.order === undefined ? { kind: 'unknown' } : readPlaced(body.order);
}

function readPlaced({ checkoutId, number, total }: AnswerBody): ClientAnswer {
  if (checkoutId === undefined || total === undefined) return { kind: 'unknown' };
  return { kind: 'placed', checkoutId, number: Number(number), total: total.amount };
}

function parse(text: string): AnswerBody | null {
  try {
    return JSON.parse(text) as AnswerBody;
  } catch {
    return null;
  }
}
