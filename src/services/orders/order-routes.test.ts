import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PostgresFixture, startPostgres } from '../../../test/postgres-fixture.ts';
import { decided, heldBy, leaseMs, placed, start } from '../../../test/queue/sample-checkout.ts';
import type { InternalClient } from '../../kit/http/internal-client.ts';
import { encodePrincipal, principalHeader } from '../../kit/http/principal.ts';
import { createApp } from '../../kit/http/service.ts';
import { PostgresQueue } from '../../queue/postgres-queue.ts';
import { addOrderRoutes } from './order-routes.ts';

const migrations = fileURLToPath(new URL('./migrations', import.meta.url));
const internalToken = 'internal-token-of-the-test';
const owner = { customerId: randomUUID(), email: 'owner@localhost', role: 'owner' } as const;

let postgres: PostgresFixture;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

/** A shop with so many placed orders, and how its owner asks. */
async function openShop(orders: number) {
  const database = await postgres.createDatabase(migrations);
  const queue = new PostgresQueue(database);
  const token = randomUUID();
  const held = await heldBy(queue, token, orders);
  await queue.decide(
    token,
    held.map((each) => decided(each, placed)),
  );
  const app = createApp(internalToken, pino({ level: 'silent' }));
  addOrderRoutes(app, {
    database,
    client: {} as InternalClient,
    sessionKey: Buffer.alloc(32, 7),
    ledgerFile: '',
  });
  const headers = {
    authorization: `Bearer ${internalToken}`,
    [principalHeader]: encodePrincipal(owner),
  };
  const change = async (number: number | undefined, action: string, body?: object) => {
    const url = `/api/admin/orders/${number}/${action}`;
    const answer = await app.inject({ method: 'POST', url, headers, ...(body && { body }) });
    return { status: answer.statusCode, body: answer.json() };
  };
  const due = async (): Promise<string[]> => {
    const followUps = await queue.claimFollowUps(99, start, leaseMs);
    return followUps.map(({ kind, checkoutId }) => `${kind} ${checkoutId}`);
  };
  return { app, database, held, change, due };
}

it('refuses a refund of a part, which is not known yet, and changes nothing', async () => {
  const { held, change, due } = await openShop(1);
  const number = held[0]?.seq;
  const amount = { amount: 100, currency: 'USD' };
  for (const body of [{ amount }, { lines: [] }, { amount, reason: 'late' }, { reason: 7 }]) {
    expect(await change(number, 'refund', body)).toMatchObject({ status: 422 });
  }
  expect(await change(number, 'cancel', { lines: [] })).toMatchObject({ status: 422 });
  expect(await due()).toEqual([]);
  expect(await change(number, 'fulfil')).toMatchObject({ status: 200 });
});

it('refunds all with no body, an empty one, or a reason, which the audit log keeps', async () => {
  const { database, held, change } = await openShop(3);
  for (const [index, body] of [undefined, {}, { reason: 'torn seam' }].entries()) {
    const answer = await change(held[index]?.seq, 'refund', body);
    expect(answer).toMatchObject({ status: 200, body: { state: 'refunded' } });
  }
  const entries = await database.query('select detail from audit_log order by id');
  expect(entries).toEqual([{ detail: {} }, { detail: {} }, { detail: { reason: 'torn seam' } }]);
});

it('puts the units of a refunded order back in stock unless it was sent', async () => {
  const { held, change, due } = await openShop(2);
  const [kept, sent] = held;
  await change(kept?.seq, 'refund');
  expect((await due()).toSorted()).toEqual([`refund ${kept?.id}`, `release ${kept?.id}`]);
  await change(sent?.seq, 'fulfil');
  await change(sent?.seq, 'refund');
  expect(await due()).toEqual([`refund ${sent?.id}`]);
});
