/**
 * The simulation of the purchase protocol (simulation.test.ts) on the real queue: fewer histories,
 * since each of their statements goes to PostgreSQL.
 */
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeViolations } from '../eval/history/violation.ts';
import type { Database } from '../src/kit/database/postgres.ts';
import { type PostgresFixture, startPostgres } from './postgres-fixture.ts';
import { emptyOrders, PostgresStore } from './simulation/postgres-store.ts';
import type { Mutation } from './simulation/shop-world.ts';
import { simulateSeed } from './simulation/simulate-purchases.ts';

const migrations = path.resolve(import.meta.dirname, '../src/services/orders/migrations');
const seeds = 30;

let postgres: PostgresFixture;
let database: Database;
beforeAll(async () => {
  postgres = await startPostgres();
  database = await postgres.createDatabase(migrations);
});
afterAll(() => postgres.stop());

/** `damage` changes the SQL. */
async function simulate(seed: number, damage = (sql: string): string => sql, traces = false) {
  await emptyOrders(database);
  const damaged: Database = {
    ...database,
    query: (text, values) => database.query(damage(text), values),
    transaction: (work, options) =>
      database.transaction(
        (sql) => work({ query: (text, values) => sql.query(damage(text), values) }),
        options,
      ),
  };
  const orders: Mutation['orders'] = (_memory, scheduler) => new PostgresStore(damaged, scheduler);
  return simulateSeed(seed, { mutation: { orders } }, traces);
}

describe('the purchase protocol on PostgreSQL', () => {
  it('keeps every promise in every history', { timeout: 300_000 }, async () => {
    const broken: string[] = [];
    const sums = { placed: 0, rejected: 0, crashes: 0 };
    for (let seed = 1; seed <= seeds; seed += 1) {
      const { violations, figures } = await simulate(seed);
      if (violations.length > 0) broken.push(`seed ${seed}: ${describeViolations(violations)}`);
      sums.placed += figures.placed;
      sums.rejected += figures.rejected;
      sums.crashes += figures.crashes;
    }
    expect(broken).toEqual([]);
    expect(sums.placed).toBeGreaterThan(3 * seeds);
    expect(sums.rejected).toBeGreaterThan(3 * seeds);
    expect(sums.crashes).toBeGreaterThan(seeds);
  });

  it('takes the same course from the same seed', async () => {
    const first = await simulate(3, undefined, true);
    const again = await simulate(3, undefined, true);
    expect(first.trace.length).toBeGreaterThan(10);
    expect(again.trace).toEqual(first.trace);
  });

  it.each([
    ['a used key taken for the same request', 'c.hash = t.hash as same', 'true as same'],
    ['a claim of what others hold', 'and lease_until <= $1 and unanswered = 0', ''],
    ['a decision that forgets the stock', 'from decided where release', 'from decided where false'],
  ])('is broken by %s, and that is found', { timeout: 120_000 }, async (_name, from, to) => {
    let found = 0;
    for (let seed = 1; seed <= 40 && found === 0; seed += 1) {
      found = (await simulate(seed, (sql) => sql.replace(from, to))).violations.length;
    }
    expect(found).toBeGreaterThan(0);
  });
});
