/** What the other services ask of the orders service: intake, outcomes, the queue's figures. */
import Type from 'typebox';
import type { Acceptance } from '../../shop/checkout.ts';
import type { CheckoutStatus } from '../order.ts';
import { internalRoute } from './internal-route.ts';

const idsMax = 1_000;
const Uuid = Type.String({ minLength: 36, maxLength: 36 });

/** The body is text, the JSON of many checkouts, which goes to the database as it is. */
export const intake = internalRoute<{
  readonly fresh: readonly (readonly [id: string, seq: number])[];
  /** Checkouts whose keys were accepted before. */
  readonly others: readonly Acceptance[];
}>()({ role: 'orders', method: 'POST', path: '/internal/intake' });

/** Which of these keys were accepted before, and with what. */
export const knownKeys = internalRoute<{ readonly known: readonly Acceptance[] }>()({
  role: 'orders',
  method: 'POST',
  path: '/internal/known-keys',
  body: Type.Object({
    asked: Type.Array(Type.Object({ id: Uuid, key: Uuid, hash: Uuid }), { maxItems: idsMax }),
  }),
});

/** Keys of checkouts whose ids lie behind `after`, a page of them, and the last such id. */
export const acceptedKeys = internalRoute<{
  readonly keys: readonly string[];
  readonly last: string;
}>()({
  role: 'orders',
  method: 'GET',
  path: '/internal/keys',
  query: Type.Object({ after: Uuid }),
});

/** Which of these checkouts are decided. */
export const decidedCheckouts = internalRoute<{ readonly decided: readonly string[] }>()({
  role: 'orders',
  method: 'POST',
  path: '/internal/decided',
  body: Type.Object({ ids: Type.Array(Uuid, { maxItems: idsMax }) }),
});

/** From now on the outcomes of these go to that gateway's stream; those that are known, at once. */
export const expectOutcomes = internalRoute<Record<never, never>>()({
  role: 'orders',
  method: 'POST',
  path: '/internal/waits',
  body: Type.Object({
    gateway: Type.String({ maxLength: 100 }),
    ids: Type.Array(Uuid, { maxItems: idsMax }),
  }),
});

/** An endless answer of lines: outcomes, keys that others accepted, the queue's figures. */
export const outcomeStream = internalRoute<never>()({
  role: 'orders',
  method: 'GET',
  path: '/internal/outcomes',
  query: Type.Object({ gateway: Type.String({ maxLength: 100 }) }),
});

/** Outcomes that a worker has just decided, a line each, as bytes. */
export const announceOutcomes = internalRoute<Record<never, never>>()({
  role: 'orders',
  method: 'POST',
  path: '/internal/outcomes',
});

/** An endless answer: a line whenever checkouts came in, with their number. */
export const workStream = internalRoute<never>()({
  role: 'orders',
  method: 'GET',
  path: '/internal/work',
});

export interface QueueFigures {
  readonly depth: number;
  /** Place of the oldest checkout that no worker holds; its position is 1. */
  readonly head: number;
  readonly oldestAgeSeconds: number;
  readonly arrivalsPerSecond: number;
  readonly servicePerSecond: number;
}

export const queueFigures = internalRoute<QueueFigures>()({
  role: 'orders',
  method: 'GET',
  path: '/internal/queue',
});

/** Of a queued checkout: its place, and when its unanswered payment is asked for again. */
export const findCheckout = internalRoute<
  | CheckoutStatus
  | {
      readonly id: string;
      readonly state: 'queued';
      readonly seq: number;
      readonly retryAt: number | null;
    }
>()({
  role: 'orders',
  method: 'GET',
  path: '/internal/checkouts/{id}',
  params: Type.Object({ id: Uuid }),
});

/** Blanks a customer's personal data. 503 while a purchase of theirs is still to be decided. */
export const eraseCustomerData = internalRoute<Record<never, never>>()({
  role: 'orders',
  method: 'POST',
  path: '/internal/customers/{id}/erase',
  params: Type.Object({ id: Type.String({ maxLength: 100 }) }),
});
