import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { Stripe } from 'stripe';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresFixture, startPostgres } from '../../../test/postgres-fixture.ts';
import {
  decided,
  leaseMs,
  newCheckout,
  placed,
  soldOut,
  start,
} from '../../../test/queue/sample-checkout.ts';
import type { Database } from '../../kit/database/postgres.ts';
import { createApp } from '../../kit/http/service.ts';
import { PostgresQueue } from '../../queue/postgres-queue.ts';
import type { ClaimedCheckout } from '../../queue/purchase-queue.ts';
import { addStripeWebhook } from './stripe-webhook.ts';

const migrations = fileURLToPath(new URL('./migrations', import.meta.url));
const secret = 'whsec_of_the_test';
const internalToken = 'internal-token-of-the-test';
const path = '/api/payments/stripe/webhook';

let postgres: PostgresFixture;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

class Shop implements AsyncDisposable {
  readonly queue: PostgresQueue;
  readonly #app: FastifyInstance;
  readonly #database: Database;

  private constructor(database: Database, app: FastifyInstance) {
    this.#database = database;
    this.#app = app;
    this.queue = new PostgresQueue(database);
  }

  static async open(): Promise<Shop> {
    const database = await postgres.createDatabase(migrations);
    const app = createApp(internalToken, pino({ level: 'silent' }));
    await addStripeWebhook(app, { database, secret, now: () => start });
    return new Shop(database, app);
  }

  /** A checkout on its way: accepted and claimed; the returned function decides it. */
  async checkout() {
    const token = randomUUID();
    const accepted = newCheckout();
    await this.queue.accept([accepted]);
    const [claimed] = await this.queue.claim({
      token,
      limit: 1,
      retriesMax: 9,
      leaseMs,
      now: start,
    });
    const decide = (decision: typeof placed | typeof soldOut) =>
      this.queue.decide(token, [decided(claimed as ClaimedCheckout, decision)]);
    return { id: accepted.id, decide };
  }

  async send(payload: string, signature = signed(payload)): Promise<number> {
    const authorization = `Bearer ${internalToken}`;
    const headers = { authorization, 'stripe-signature': signature };
    const json = { ...headers, 'content-type': 'application/json; charset=utf-8' };
    const { statusCode } = await this.#app.inject({
      ...{ method: 'POST', url: path, headers: json, payload },
    });
    return statusCode;
  }

  async followUps(): Promise<string[]> {
    const due = await this.queue.claimFollowUps(99, start, 0);
    return due.map(({ kind, checkoutId }) => `${kind} ${checkoutId}`);
  }

  async eventsKept(): Promise<number> {
    const rows = await this.#database.query('select id from payment_events');
    return rows.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#app.close();
  }
}

function signed(payload: string, by = secret, at = start): string {
  const timestamp = Math.floor(at / 1_000);
  return Stripe.webhooks.generateTestHeaderString({ payload, secret: by, timestamp });
}

function succeeded(checkoutId: string, id = `evt_${randomUUID()}`): string {
  const intent = { object: 'payment_intent', id: 'pi_1', metadata: { checkoutId } };
  const event = { id, object: 'event', type: 'payment_intent.succeeded', data: { object: intent } };
  return JSON.stringify(event, null, 2); // as Stripe writes it: the bytes count
}

describe('an event of Stripe', () => {
  it('is taken where Stripe signed its very bytes', async () => {
    await using shop = await Shop.open();
    const { id } = await shop.checkout();
    expect(await shop.send(succeeded(id))).toBe(200);
    expect(await shop.eventsKept()).toBe(1);
  });

  it('is refused where it is forged, changed, stale, unsigned or no event', async () => {
    await using shop = await Shop.open();
    const { id, decide } = await shop.checkout();
    await decide(soldOut);
    const payload = succeeded(id);
    const wrong: [string, string][] = [
      [payload, signed(payload, 'whsec_of_another')],
      [JSON.stringify(JSON.parse(payload)), signed(payload)],
      [payload, signed(payload, secret, start - 301_000)],
      [payload, 'nonsense'],
      [payload, ''],
      ['no json', signed('no json')],
    ];
    for (const [body, signature] of wrong) expect(await shop.send(body, signature)).toBe(400);
    expect(await shop.eventsKept()).toBe(0);
    expect(await shop.followUps()).toEqual([]);
  });
});

describe('a payment that succeeded', () => {
  it('before its checkout is decided makes no order and no void', async () => {
    await using shop = await Shop.open();
    const { id, decide } = await shop.checkout();
    expect(await shop.send(succeeded(id))).toBe(200);
    expect(await shop.queue.find(id)).toMatchObject({ kind: 'queued' });
    await decide(placed);
    expect(await shop.queue.find(id)).toMatchObject({ kind: 'decided', decision: placed });
    expect(await shop.followUps()).toEqual([]);
  });

  it('after its order was placed, even twice, changes nothing', async () => {
    await using shop = await Shop.open();
    const { id, decide } = await shop.checkout();
    await decide(placed);
    const payload = succeeded(id);
    expect([await shop.send(payload), await shop.send(payload)]).toEqual([200, 200]);
    expect(await shop.send(succeeded(id))).toBe(200);
    expect(await shop.queue.outcomes([id])).toMatchObject([{ id, decision: placed }]);
    expect(await shop.followUps()).toEqual([]);
  });

  it('although its checkout was rejected is voided once, however often it comes', async () => {
    await using shop = await Shop.open();
    const { id, decide } = await shop.checkout();
    await decide(soldOut);
    const payload = succeeded(id);
    const statuses = await Promise.all(Array.from({ length: 8 }, () => shop.send(payload)));
    expect(statuses).toEqual(Array(8).fill(200));
    expect(await shop.followUps()).toEqual([`void ${id}`]);
    expect(await shop.eventsKept()).toBe(1);
  });

  it('while it is decided leaves exactly one outcome', async () => {
    await using shop = await Shop.open();
    const { id, decide } = await shop.checkout();
    const [first, second] = [succeeded(id), succeeded(id)];
    const [won] = await Promise.all([decide(placed), shop.send(first), shop.send(second)]);
    expect(won).toHaveLength(1);
    expect(await shop.queue.outcomes([id])).toMatchObject([{ decision: placed }]);
    expect(await shop.followUps()).toEqual([]);
  });

  it('for a checkout that this shop does not know is remembered, and that is all', async () => {
    await using shop = await Shop.open();
    expect(await shop.send(succeeded(newCheckout().id))).toBe(200);
    expect(await shop.send(succeeded("x' or true --"))).toBe(200);
    expect(await shop.followUps()).toEqual([]);
    expect(await shop.eventsKept()).toBe(2);
  });

  it('differs from every other event', async () => {
    await using shop = await Shop.open();
    const { id, decide } = await shop.checkout();
    await decide(soldOut);
    const other = succeeded(id).replace('payment_intent.succeeded', 'payment_intent.canceled');
    expect(await shop.send(other)).toBe(200);
    expect(await shop.followUps()).toEqual([]);
  });
});
