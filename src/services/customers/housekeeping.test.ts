import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  CustomersFixture,
  emptyTables,
  offerOf,
} from '../../../test/customers/customers-fixture.ts';
import { type PostgresFixture, startPostgres } from '../../../test/postgres-fixture.ts';
import type { Database } from '../../kit/database/postgres.ts';
import { createAccount } from './account-store.ts';
import { tidyUp } from './housekeeping.ts';

let postgres: PostgresFixture;
let database: Database;
let customerId: string;

beforeAll(async () => {
  postgres = await startPostgres();
  database = await postgres.createDatabase(path.join(import.meta.dirname, 'migrations'));
});
afterAll(() => postgres.stop());
beforeEach(async () => {
  await emptyTables(database);
  const account = { email: 'ada@example.com', name: '', passwordHash: '-', role: 'customer' };
  customerId = (await createAccount(database, account as never))?.id ?? '';
});

const addSql = `
insert into carts (id, customer_id, updated_at)
values (uuidv7($1::float * interval '-1 day'), $2, now() - $3::float * interval '1 day')`;

/** A cart that was made and last edited so many days ago. */
const addCart = (madeDays: number, editedDays: number, owner: string | null = null) =>
  database.query(addSql, [madeDays, owner, editedDays]);

const ages = async () => {
  const rows = await database.query<{ days: number }>(`
    select round(extract(epoch from now() - uuid_extract_timestamp(id)) / 86400)::integer as days
    from carts order by id`);
  return rows.map(({ days }) => days);
};

test('ended sessions go, and living ones stay', async () => {
  await database.query(
    `insert into sessions (customer_id, expires_at)
    values ($1, now() - interval '1 minute'), ($1, now() + interval '1 minute')`,
    [customerId],
  );
  expect(await tidyUp(database)).toMatchObject({ sessions: 1 });
  expect(await tidyUp(database)).toMatchObject({ sessions: 0 });
});

test('a guest’s cart that nobody came back to lives a week, others three months', async () => {
  await addCart(100, 91, customerId);
  await addCart(99, 91);
  await addCart(98, 89, customerId); // a customer's
  await addCart(97, 89); // a guest came back to it
  await addCart(8, 7.5);
  await addCart(7, 6.5); // not a week yet
  await addCart(6, 6);
  expect(await tidyUp(database)).toMatchObject({ idleCarts: 3, surplusCarts: 0 });
  expect(await ages()).toEqual([98, 97, 7, 6]);
});

test('guests’ carts that are too many go, the oldest first; a customer’s stays', async () => {
  for (let days = 6; days > 0; days -= 1) await addCart(days, days, days === 6 ? customerId : null);
  expect(await tidyUp(database, 3)).toMatchObject({ idleCarts: 0, surplusCarts: 2 });
  expect(await ages()).toEqual([6, 3, 2, 1]);
  expect(await tidyUp(database, 3)).toMatchObject({ surplusCarts: 0 });
});

test('a cart nobody put anything into is no row; one customer has a bounded number', async () => {
  const shop = new CustomersFixture(database);
  shop.sell(offerOf('BEAR'));
  const as = { customerId, email: 'ada@example.com', role: 'customer' as const };
  const create = async (principal: typeof as | null) =>
    (await shop.ask({ method: 'POST', url: '/api/carts', as: principal })).json().id;
  for (let n = 0; n < 30; n += 1) await create(null);
  expect(await ages()).toEqual([]);
  let latest = '';
  for (let n = 0; n < 30; n += 1) {
    latest = await create(as);
    const url = `/api/carts/${latest}/lines/BEAR`;
    await shop.ask({ method: 'PUT', url, body: { quantity: 1 }, as });
  }
  expect(await ages()).toHaveLength(20);
  const mine = (await shop.ask({ method: 'GET', url: '/api/carts/mine', as })).json();
  expect(mine).toMatchObject({ id: latest, lines: [{ sku: 'BEAR' }] });
  await shop.close();
});

test('a guest’s cart with one line takes the bytes that the bound was reckoned with', async () => {
  const shop = new CustomersFixture(database);
  shop.sell(offerOf('BEAR'));
  const count = 400;
  for (let n = 0; n < count; n += 1) {
    const { id } = (await shop.ask({ method: 'POST', url: '/api/carts' })).json();
    const url = `/api/carts/${id}/lines/BEAR`;
    await shop.ask({ method: 'PUT', url, body: { quantity: 1 } });
  }
  await database.query('vacuum full carts');
  const [size] = await database.query<{ bytes: number }>(
    "select pg_total_relation_size('carts')::integer as bytes",
  );
  expect((size?.bytes ?? 0) / count).toBeLessThan(700);
  await shop.close();
});
