import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresFixture, startPostgres } from '../../../test/postgres-fixture.ts';
import { leaseMs, newCheckouts, start } from '../../../test/queue/sample-checkout.ts';
import { uuidV7 } from '../../kit/uuid-v7.ts';
import { PostgresQueue } from '../../queue/postgres-queue.ts';
import { emptyFigures, nextFigures, QueueMeter } from './queue-figures.ts';

const id = uuidV7(start);
const empty = (tail: number) => ({ head: null, headId: null, tail });
const waiting = (head: number, tail: number) => ({ head, headId: id, tail });

describe('the queue’s figures', () => {
  it('count from the oldest free place to the newest', () => {
    const figures = nextFigures(emptyFigures, null, waiting(41, 140), start + 2_500);
    expect(figures).toMatchObject({ depth: 100, head: 41, oldestAgeSeconds: 2.5 });
  });

  it('of an empty queue are zero, and the next checkout is the first', () => {
    const figures = nextFigures(emptyFigures, null, empty(140), start);
    expect(figures).toMatchObject({ depth: 0, head: 141, oldestAgeSeconds: 0 });
  });

  it('do not let a gateway’s fast clock make an age negative', () => {
    expect(nextFigures(emptyFigures, null, waiting(1, 1), start - 50).oldestAgeSeconds).toBe(0);
  });

  it('come near the true rates within seconds, however often they are taken', () => {
    for (const everyMs of [100, 250, 1_000]) {
      let figures = emptyFigures;
      let last = { at: start, tail: 0, depth: 0 };
      for (let at = start + everyMs; at <= start + 10_000; at += everyMs) {
        const seconds = (at - start) / 1_000;
        const tail = 800 * seconds; // 800 arrive a second, 500 are taken up
        figures = nextFigures(figures, last, waiting(500 * seconds + 1, tail), at);
        last = { at, tail, depth: figures.depth };
      }
      expect(figures.arrivalsPerSecond).toBeCloseTo(800 * (1 - 0.6 ** 10), 3);
      expect(figures.servicePerSecond).toBeCloseTo(500 * (1 - 0.6 ** 10), 3);
      expect(figures.depth).toBe(3_000);
    }
  });

  it('are never negative, whatever is given back or comes out of order', () => {
    const probe = fc.record({
      head: fc.option(fc.nat({ max: 10_000 })),
      tail: fc.nat({ max: 10_000 }),
      afterMs: fc.nat({ max: 2_000 }),
    });
    const property = fc.property(fc.array(probe), (probes) => {
      let figures = emptyFigures;
      let last = null;
      let at = start;
      for (const { head, tail: behind, afterMs } of probes) {
        at += afterMs;
        const tail = (head ?? 0) + behind;
        const seen = head === null ? empty(tail) : waiting(head, tail);
        figures = nextFigures(figures, last, seen, at);
        last = { at, tail, depth: figures.depth };
        for (const figure of Object.values(figures)) expect(figure).toBeGreaterThanOrEqual(0);
      }
    });
    fc.assert(property);
  });
});

describe('the queue’s meter', () => {
  const migrations = fileURLToPath(new URL('./migrations', import.meta.url));
  let postgres: PostgresFixture;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres.stop());

  it('sees what waits, not what is held or decided', async () => {
    const database = await postgres.createDatabase(migrations);
    const [queue, meter] = [new PostgresQueue(database), new QueueMeter(database)];
    expect(await meter.sample(start)).toMatchObject({ depth: 0 });
    await queue.accept(newCheckouts(10));
    expect(await meter.sample(start + 250)).toMatchObject({ depth: 10, head: 1 });
    await queue.claim({ token: randomUUID(), limit: 4, retriesMax: 9, leaseMs, now: start });
    const figures = await meter.sample(start + 500);
    expect(figures).toMatchObject({ depth: 6, head: 5 });
    expect(figures.servicePerSecond).toBeGreaterThan(0);
  });

  it('leaves out what waits for its payment alone', async () => {
    const database = await postgres.createDatabase(migrations);
    const [queue, meter] = [new PostgresQueue(database), new QueueMeter(database)];
    await queue.accept(newCheckouts(3));
    const token = randomUUID();
    const [dead] = await queue.claim({ token, limit: 1, retriesMax: 9, leaseMs, now: start });
    await queue.postpone(token, [dead?.seq ?? 0], start + 2_000);
    expect(await meter.sample(start)).toMatchObject({ depth: 2, head: 2 });
  });

  it('finds what was given back within two seconds', async () => {
    const database = await postgres.createDatabase(migrations);
    const [queue, meter] = [new PostgresQueue(database), new QueueMeter(database)];
    await queue.accept(newCheckouts(3));
    const token = randomUUID();
    const held = await queue.claim({ token, limit: 3, retriesMax: 9, leaseMs, now: start });
    expect(await meter.sample(start)).toMatchObject({ depth: 0 });
    await queue.giveBack(
      token,
      held.map(({ seq }) => seq),
    );
    expect(await meter.sample(start + 2_000)).toMatchObject({ depth: 3, head: 1 });
  });
});
