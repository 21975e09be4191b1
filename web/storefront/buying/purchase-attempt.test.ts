import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Answer } from './ask-shop.ts';
import {
  attemptAfter,
  attemptUnderWay,
  outcomeOf,
  type PurchaseAttempt,
  shouldResume,
} from './purchase-attempt.ts';

const attempt: PurchaseAttempt = {
  key: 'k',
  request: {
    lines: [{ sku: 'BEAR-S', quantity: 1 }],
    email: 'ada@example.com',
    shippingAddress: { name: 'A', line1: 'B', city: 'C', postalCode: 'D', country: 'GB' },
    payment: { method: 'test', token: 'tok_ok' },
  },
  at: 1_000,
  inDoubt: false,
};

const problem = (
  status: number,
  kind: string,
  retryAfterSeconds: number | null = null,
): Answer => ({
  kind: 'problem',
  status,
  problem: { type: `https://doorbuster.example/problems/${kind}`, title: kind, status },
  retryAfterSeconds,
});
const silence: Answer = { kind: 'silence' };
const afterwards = (given: PurchaseAttempt, answer: Answer) =>
  attemptAfter(given, outcomeOf(answer));

describe('an attempt to buy', () => {
  it('is over when the order is placed', () => {
    const order = { number: '7', token: 't' };
    const outcome = outcomeOf({ kind: 'ok', status: 201, body: order });
    expect(outcome).toEqual({ kind: 'placed', order });
    expect(attemptAfter(attempt, outcome)).toBeNull();
  });

  it('remembers its place once it is queued', () => {
    const queued: Answer = { kind: 'ok', status: 202, body: { id: 'c1', state: 'queued' } };
    expect(afterwards(attempt, queued)).toEqual({ ...attempt, checkoutId: 'c1' });
  });

  it.each([
    [409, 'sold-out'],
    [402, 'payment-declined'],
    [422, 'invalid'],
    [400, 'bad-request'],
  ])('is over after a refusal for good: %i %s', (status, kind) => {
    expect(outcomeOf(problem(status, kind))).toMatchObject({ kind: 'refused', reason: kind });
    expect(afterwards(attempt, problem(status, kind))).toBeNull();
  });

  it('may be given up while the shop has said that its queue is full', () => {
    expect(afterwards(attempt, problem(503, 'queue-full', 9))).toEqual(attempt);
    expect(outcomeOf(problem(503, 'queue-full', 9))).toMatchObject({ waitSeconds: 9 });
  });

  it('is not in doubt where only the sign-in could not be checked', () => {
    expect(afterwards(attempt, problem(503, 'sign-in-unchecked', 5))).toEqual(attempt);
  });

  it('stays in doubt through a rate limit, which looks at no key', () => {
    const doubtful = afterwards(attempt, silence);
    expect(doubtful).toEqual({ ...attempt, inDoubt: true });
    expect(doubtful && afterwards(doubtful, problem(429, 'too-many-requests'))).toEqual(doubtful);
    expect(afterwards(attempt, problem(429, 'too-many-requests'))).toEqual(attempt);
  });

  it('waits between one second and one minute, whatever Retry-After says', () => {
    fc.assert(
      fc.property(fc.option(fc.double({ noNaN: true, min: 0 })), (seconds) => {
        const outcome = outcomeOf(problem(429, 'too-many-requests', seconds));
        if (outcome.kind !== 'crowded') throw new Error('not crowded');
        expect(outcome.waitSeconds).toBeGreaterThanOrEqual(1);
        expect(outcome.waitSeconds).toBeLessThanOrEqual(60);
      }),
    );
  });

  it('never changes its key or its request, and never loses a possible acceptance', () => {
    const answers = fc.oneof(
      fc.constant(silence),
      fc.constantFrom(500, 502, 503, 504).map((status) => problem(status, 'unavailable')),
      fc.constant(problem(429, 'too-many-requests')),
    );
    fc.assert(
      fc.property(fc.array(answers, { minLength: 1 }), (row) => {
        let current = attempt;
        for (const answer of row) {
          const next = afterwards(current, answer);
          if (next === null) throw new Error('forgotten while nobody knew');
          expect(next.key).toBe(attempt.key);
          expect(next.request).toBe(attempt.request);
          if (current.inDoubt) expect(next.inDoubt).toBe(true);
          current = next;
        }
        const wasUnknown = row.some((answer) => outcomeOf(answer).kind === 'unknown');
        expect(current.inDoubt).toBe(wasUnknown);
      }),
    );
  });

  it('is in doubt from the moment that it is under way', () => {
    expect(attemptUnderWay(attempt).inDoubt).toBe(true);
  });

  it('goes on by itself after a reload, but not hours later and not once it is queued', () => {
    expect(shouldResume(attempt, 2_000)).toBe(true);
    expect(shouldResume(attempt, 3_600_000)).toBe(false);
    expect(shouldResume({ ...attempt, checkoutId: 'c1' }, 2_000)).toBe(false);
  });
});
