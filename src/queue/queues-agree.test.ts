/**
 * The two queues against each other: whatever is done to both, they answer the same. Places in the
 * queue may skip in PostgreSQL (a repeated key burns one), so they are compared by rank.
 */
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PostgresFixture, startPostgres } from '../../test/postgres-fixture.ts';
import { MemoryQueue } from '../../test/queue/memory-queue.ts';
import { decided, newCheckout, placed, soldOut, start } from '../../test/queue/sample-checkout.ts';
import type { Database } from '../kit/database/postgres.ts';
import { PostgresQueue } from './postgres-queue.ts';
import type { ClaimedCheckout, PurchaseQueue } from './purchase-queue.ts';

const migrations = fileURLToPath(new URL('../services/orders/migrations', import.meta.url));
const keys = Array.from({ length: 12 }, () => randomUUID());
const hashes = [randomUUID(), randomUUID()];
const tokens = [randomUUID(), randomUUID(), randomUUID()];
/** Longer than PostgreSQL's queue remembers where its claims begin. */
const stepMs = 600;
const leaseMs = 1_500;

type Step =
  | { readonly kind: 'accept'; readonly given: readonly (readonly [key: number, hash: number])[] }
  | { readonly kind: 'claim' | 'followUps'; readonly token: number; readonly limit: number }
  | {
      readonly kind: 'extend' | 'giveBack' | 'postpone' | 'decide';
      readonly token: number;
      readonly by: number;
    }
  | { readonly kind: 'finish'; readonly share: number };

const holder = fc.nat({ max: tokens.length - 1 });
const limit = fc.integer({ min: 1, max: 6 });
const batch = fc.array(fc.tuple(fc.nat({ max: 11 }), fc.nat({ max: 1 })), { maxLength: 5 });
const stepOf: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('accept' as const), given: batch }),
  fc.record({ kind: fc.constantFrom('claim', 'followUps'), token: holder, limit }),
  fc.record({
    kind: fc.constantFrom('extend', 'giveBack', 'postpone', 'decide'),
    token: holder,
    by: fc.nat({ max: 3 }),
  }),
  fc.record({ kind: fc.constant('finish' as const), share: fc.integer({ min: 1, max: 3 }) }),
);

/** One queue under test, and what it last handed to each token. */
class Subject {
  readonly #queue: PurchaseQueue;
  readonly #held = new Map<number, readonly ClaimedCheckout[]>();
  readonly #ranks = new Map<number, number>();
  #followUps: number[] = [];

  constructor(queue: PurchaseQueue) {
    this.#queue = queue;
  }

  /** Its answer, without what may differ between two right queues. */
  async take(step: Step, ids: readonly string[], now: number): Promise<unknown> {
    const queue = this.#queue;
    switch (step.kind) {
      case 'accept': {
        const answers = await queue.accept(checkoutsOf(step.given, ids));
        return answers.map((each) => ('seq' in each ? this.#ranked(each) : each));
      }
      case 'claim': {
        const token = tokens[step.token] ?? '';
        const claimed = await queue.claim({
          token,
          limit: step.limit,
          retriesMax: 9,
          leaseMs,
          now,
        });
        this.#held.set(step.token, claimed);
        return claimed.map((each) => this.#ranked(each));
      }
      case 'followUps': {
        const due = await queue.claimFollowUps(step.limit, now, leaseMs);
        this.#followUps = due.map(({ id }) => id);
        return due.length;
      }
      case 'finish':
        return queue.finishFollowUps(this.#followUps.splice(0, step.share));
      default:
        return this.#write(step, now);
    }
  }

  async #write({ kind, token, by }: Extract<Step, { by: number }>, now: number): Promise<unknown> {
    const queue = this.#queue;
    const held = this.#held.get(token) ?? [];
    const seqs = held.map(({ seq }) => seq);
    const as = tokens[by] ?? randomUUID(); // not always the token that claimed them
    if (kind === 'giveBack') return queue.giveBack(as, seqs);
    if (kind === 'postpone') return queue.postpone(as, seqs, now + leaseMs);
    if (kind === 'extend') return this.#ranksOf(await queue.extend(as, seqs, now + leaseMs));
    const decisions = held.map((each, index) =>
      index % 2 === 0 ? decided(each, placed) : decided(each, soldOut, { releaseStock: true }),
    );
    return this.#ranksOf(await queue.decide(as, decisions));
  }

  async outcomes(ids: readonly string[]): Promise<unknown> {
    const known = await this.#queue.outcomes(ids);
    const byId = new Map(known.map((each) => [each.id, each.decision]));
    const found = await Promise.all(ids.map((id) => this.#queue.find(id)));
    return ids.map((id, index) => [byId.get(id), found[index]?.kind]);
  }

  #ranked<T extends { readonly seq: number }>(each: T): T {
    return { ...each, seq: this.#rank(each.seq) };
  }

  #ranksOf(seqs: readonly number[]): number[] {
    return seqs.map((seq) => this.#rank(seq)).toSorted((a, b) => a - b);
  }

  #rank(seq: number): number {
    const rank = this.#ranks.get(seq) ?? this.#ranks.size;
    this.#ranks.set(seq, rank);
    return rank;
  }
}

function checkoutsOf(given: readonly (readonly [number, number])[], ids: readonly string[]) {
  return given.map(([key, hash], index) =>
    newCheckout({
      id: ids[index] ?? '',
      key: keys[key] ?? '',
      hash: hashes[hash] ?? '',
    }),
  );
}

let postgres: PostgresFixture;
let database: Database;

beforeAll(async () => {
  postgres = await startPostgres();
  database = await postgres.createDatabase(migrations);
});
afterAll(() => postgres.stop());

it('memory and PostgreSQL agree, whatever is done to them', async () => {
  const steps = fc.array(stepOf, { minLength: 10, maxLength: 40 });
  const property = fc.asyncProperty(steps, async (history) => {
    await database.query('truncate checkouts, queue, orders, rejections, follow_ups');
    const [memory, real] = [new MemoryQueue(), new PostgresQueue(database)].map(
      (queue) => new Subject(queue),
    ) as [Subject, Subject];
    const ids: string[] = [];
    for (const [index, step] of history.entries()) {
      const now = start + index * stepMs;
      const fresh = Array.from({ length: 5 }, () => newCheckout().id);
      ids.push(...fresh);
      const [expected, actual] = [
        await memory.take(step, fresh, now),
        await real.take(step, fresh, now),
      ];
      expect(actual).toEqual(expected);
    }
    expect(await real.outcomes(ids)).toEqual(await memory.outcomes(ids));
  });
  await fc.assert(property, { numRuns: 60 });
});
