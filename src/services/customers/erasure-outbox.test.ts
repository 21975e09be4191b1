import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { emptyTables } from '../../../test/customers/customers-fixture.ts';
import { type PostgresFixture, startPostgres } from '../../../test/postgres-fixture.ts';
import type { Database } from '../../kit/database/postgres.ts';
import { createLog } from '../../kit/log.ts';
import { createAccount } from './account-store.ts';
import { addErasure, ErasureOutbox, retryMs, type SendErasure } from './erasure-outbox.ts';

let postgres: PostgresFixture;
let database: Database;

beforeAll(async () => {
  postgres = await startPostgres();
  database = await postgres.createDatabase(path.join(import.meta.dirname, 'migrations'));
});
afterAll(() => postgres.stop());
beforeEach(() => emptyTables(database));

async function addCustomer(n: number): Promise<string> {
  const account = { email: `c${n}@example.com`, name: '', passwordHash: '-' };
  const created = await createAccount(database, { ...account, role: 'customer' });
  if (created === null) throw new Error('taken');
  return created.id;
}

async function addErasures(count: number): Promise<string[]> {
  const ids = await Promise.all(Array.from({ length: count }, (_each, n) => addCustomer(n)));
  for (const id of ids) await addErasure(database, id);
  await settle();
  return ids;
}

/** As if the erasures had been asked for long ago, and were due. */
const settle = () =>
  database.query("update erasures set requested_at = now() - interval '1 hour', due_at = now()");

const outboxWith = (send: SendErasure) =>
  new ErasureOutbox(database, send, createLog('test', 'silent'));

const remaining = async () => (await database.query('select 1 from erasures')).length;

test('two instances deliver each erasure once between them', async () => {
  const ids = await addErasures(30);
  const delivered: string[] = [];
  const send = async (id: string) => void delivered.push(id);
  const outboxes = [outboxWith(send), outboxWith(send)];
  for (let done = 0; done < ids.length; ) {
    const counts = await Promise.all(outboxes.map((outbox) => outbox.deliver()));
    done += counts.reduce((sum, count) => sum + count, 0);
  }
  expect(delivered.sort()).toEqual(ids.sort());
  expect(await remaining()).toBe(0);
});

test('an erasure whose instance crashed is delivered again after its lease', async () => {
  const [id] = await addErasures(1);
  const crashed = outboxWith(() => new Promise(() => {})); // never comes back
  crashed.deliver().catch(() => {});
  const leased = async () => {
    const rows = await database.query('select 1 from erasures where due_at > now()');
    return rows.length;
  };
  await expect.poll(leased).toBe(1);
  const delivered: string[] = [];
  const other = outboxWith(async (each) => void delivered.push(each));
  expect(await other.deliver()).toBe(0);
  await database.query("update erasures set due_at = now() - interval '1 second'"); // time passes
  expect(await other.deliver()).toBe(1);
  expect(delivered).toEqual([id]);
});

test('a started outbox delivers what was left from before, and stops when closed', async () => {
  await addErasures(3);
  const outbox = outboxWith(async () => {});
  outbox.start();
  await expect.poll(remaining).toBe(0);
  await outbox.close();
  await addErasure(database, await addCustomer(9));
  await settle();
  outbox.wake();
  await outbox.close();
  expect(await remaining()).toBe(1);
});

test('a purchase that was under way meanwhile is forgotten, too', async () => {
  const [id = ''] = await addErasures(1);
  await database.query('update erasures set requested_at = now()');
  const orders: string[] = [];
  const outbox = outboxWith(async (erased) => {
    for (let at = orders.indexOf(erased); at >= 0; at = orders.indexOf(erased))
      orders.splice(at, 1);
  });
  expect(await outbox.deliver()).toBe(0); // delivered, not done
  orders.push(id); // its session lived when the gateway looked
  expect(await outbox.deliver()).toBe(0); // not due before all such purchases have arrived
  expect(await remaining()).toBe(1);
  await settle();
  expect(await outbox.deliver()).toBe(1);
  expect([orders, await remaining()]).toEqual([[], 0]);
});

test('retries come ever later, up to a minute', () => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 8, 1_000].map(retryMs);
  expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => seconds * 1_000));
});
