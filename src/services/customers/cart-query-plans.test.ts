import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PostgresFixture, startPostgres } from '../../../test/postgres-fixture.ts';
import { wholeReads } from '../../../test/whole-reads.ts';
import { cartSettings, hotStatements } from './cart-store.ts';

let postgres: PostgresFixture;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

test.each([
  ['a new database', 'select 1'],
  ['an empty table that was analyzed', 'vacuum analyze'],
])('no plan of the hot path reads a table whole, when made for %s', async (_name, state) => {
  const database = await postgres.createDatabase(path.join(import.meta.dirname, 'migrations'));
  await database.query(state);
  for (const [name, sql] of Object.entries(hotStatements)) {
    expect(await wholeReads(database, sql, cartSettings), name).toEqual([]);
  }
});
