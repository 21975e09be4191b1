import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PostgresFixture, startPostgres } from '../../../test/postgres-fixture.ts';
import {
  decided,
  leaseMs,
  newCheckout,
  placed,
  start,
} from '../../../test/queue/sample-checkout.ts';
import { PostgresQueue } from '../../queue/postgres-queue.ts';
import type { ClaimedCheckout } from '../../queue/purchase-queue.ts';
import { addFollowUp, eraseCustomer, findOrder } from './order-store.ts';

const migrations = fileURLToPath(new URL('./migrations', import.meta.url));

let postgres: PostgresFixture;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

it('erases who bought, and keeps what was bought and how it can be refunded', async () => {
  const database = await postgres.createDatabase(migrations);
  const queue = new PostgresQueue(database);
  const customer = randomUUID();
  const bought = newCheckout({ customer });
  await queue.accept([bought]);
  const token = randomUUID();
  const [claimed] = await queue.claim({ token, limit: 1, retriesMax: 9, leaseMs, now: start });
  await queue.decide(token, [decided(claimed as ClaimedCheckout, placed)]);
  expect(await eraseCustomer(database, customer)).toBe(true);

  const order = await findOrder(database, claimed?.seq ?? 0);
  expect(order).toMatchObject({ customer: null, total: placed.total, lines: placed.lines });
  expect(order?.request).toMatchObject({ email: null, shippingAddress: null });
  const stored = JSON.stringify(await database.query('select * from checkouts'));
  for (const secret of [customer, 'ada@example.com', 'St James', 'tok_ok']) {
    expect(stored).not.toContain(secret);
  }
  await addFollowUp(database, bought.id, 'refund');
  expect(await queue.claimFollowUps(9, start, leaseMs)).toMatchObject([
    { kind: 'refund', method: 'test', paymentId: placed.paymentId },
  ]);
});

it('erases at the second request what was accepted after the first', async () => {
  const database = await postgres.createDatabase(migrations);
  const queue = new PostgresQueue(database);
  const customer = randomUUID();
  expect(await eraseCustomer(database, customer)).toBe(true); // nothing is there yet
  await queue.accept([newCheckout({ customer })]);
  const token = randomUUID();
  const [claimed] = await queue.claim({ token, limit: 1, retriesMax: 9, leaseMs, now: start });
  await queue.decide(token, [decided(claimed as ClaimedCheckout, placed)]);
  expect(await eraseCustomer(database, customer)).toBe(true);
  expect(await findOrder(database, claimed?.seq ?? 0)).toMatchObject({
    customer: null,
    request: { email: null, shippingAddress: null },
  });
});

it('leaves a checkout whole that is still to be decided, and will come again for it', async () => {
  const database = await postgres.createDatabase(migrations);
  const queue = new PostgresQueue(database);
  const customer = randomUUID();
  const checkout = newCheckout({ customer });
  await queue.accept([checkout]);
  expect(await eraseCustomer(database, customer)).toBe(false);
  const token = randomUUID();
  const [claimed] = await queue.claim({ token, limit: 1, retriesMax: 9, leaseMs, now: start });
  expect(claimed).toMatchObject({ customer, request: checkout.request });
  await queue.decide(token, [decided(claimed as ClaimedCheckout, placed)]);
  expect(await eraseCustomer(database, customer)).toBe(true);
  expect(await findOrder(database, claimed?.seq ?? 0)).toMatchObject({ customer: null });
});
