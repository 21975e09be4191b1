/** Cards, through the whole shop: bought, declined, refunded, and reported by signed events. */
import { randomUUID } from 'node:crypto';
import { Stripe } from 'stripe';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { address, ShopClient } from '../../eval/cluster/shop-client.ts';
import { type FakeIntent, stripeKey } from '../stripe-fixture.ts';

const guest = new ShopClient(inject('shopUrl'));
const owner = new ShopClient(inject('shopUrl'));

beforeAll(() => owner.signIn('owner@localhost', inject('ownerPassword')));

async function stock(quantity: number): Promise<string> {
  const sku = `C-${randomUUID().slice(0, 8)}`.toUpperCase();
  const header = 'Handle,Title,Variant SKU,Variant Inventory Qty,Variant Price';
  const row = `card-${sku.toLowerCase()},Card ${sku},${sku},${quantity},12.99`;
  const { body } = await owner.importCsv(`${header}\n${row}\n`);
  expect(body).toMatchObject({ created: 1, errors: [] });
  return sku;
}

function buyByCard(sku: string, token: string) {
  const payment = { method: 'card', token };
  const lines = [{ sku, quantity: 2 }];
  return guest.call('/api/orders', {
    body: { lines, email: 'ada@example.com', shippingAddress: address, payment },
    headers: { 'idempotency-key': randomUUID(), prefer: 'wait=20' },
  });
}

/** What Stripe knows of a checkout. */
async function intentsOf(checkoutId: unknown): Promise<FakeIntent[]> {
  const query = encodeURIComponent(`metadata['checkoutId']:'${checkoutId}'`);
  const answer = await fetch(`${inject('stripeUrl')}/v1/payment_intents/search?query=${query}`, {
    headers: { authorization: `Bearer ${stripeKey}` },
  });
  const { data } = (await answer.json()) as { data: FakeIntent[] };
  return data;
}

async function available(sku: string): Promise<number | undefined> {
  const { body } = await guest.call<{ variants: { available: number }[] }>(
    `/api/products/card-${sku.toLowerCase()}`,
  );
  return body.variants[0]?.available;
}

async function tellOf(checkoutId: unknown, signature?: string): Promise<number> {
  const object = { object: 'payment_intent', id: 'pi_1', metadata: { checkoutId } };
  const event = { id: `evt_${randomUUID()}`, object: 'event', type: 'payment_intent.succeeded' };
  const payload = JSON.stringify({ ...event, data: { object } }, null, 2);
  const secret = inject('stripeWebhookSecret');
  const signed = Stripe.webhooks.generateTestHeaderString({ payload, secret });
  const headers = { 'stripe-signature': signature ?? signed, 'content-type': 'application/json' };
  const { status } = await guest.call('/api/payments/stripe/webhook', { body: payload, headers });
  return status;
}

describe('a purchase by card', () => {
  it('captures what the order costs, and gives it back with a refund', async () => {
    const sku = await stock(5);
    const { status, body } = await buyByCard(sku, 'pm_card');
    expect(status).toBe(201);
    const { number, checkoutId } = body;
    expect(await intentsOf(checkoutId)).toMatchObject([
      { amount: 2_598, currency: 'usd', status: 'succeeded', amountRefunded: 0 },
    ]);
    const refunded = await owner.call(`/api/admin/orders/${number}/refund`, { method: 'POST' });
    expect(refunded.body).toMatchObject({ state: 'refunded' });
    await expect
      .poll(() => intentsOf(checkoutId), { timeout: 20_000 })
      .toMatchObject([{ amountRefunded: 2_598 }]);
  });

  it('that is declined costs nothing and leaves the stock as it was', async () => {
    const sku = await stock(5);
    const { status, body } = await buyByCard(sku, 'pm_declined');
    expect(status).toBe(402);
    expect(body['type']).toMatch(/\/payment-declined$/);
    await expect.poll(() => available(sku), { timeout: 20_000 }).toBe(5);
    const intents = await intentsOf(body['checkoutId']);
    expect(intents.filter((each) => each.status === 'succeeded')).toEqual([]);
  });
});

describe('an event of Stripe', () => {
  it('changes nothing about an order that is placed', async () => {
    const { body } = await buyByCard(await stock(5), 'pm_card');
    const { number, token, checkoutId } = body;
    expect([await tellOf(checkoutId), await tellOf(checkoutId)]).toEqual([200, 200]);
    const order = await guest.call(`/api/orders/${number}?token=${token}`);
    expect(order.body).toMatchObject({ number, state: 'placed' });
    expect(await intentsOf(checkoutId)).toMatchObject([{ amountRefunded: 0 }]);
  });

  it('of a payment whose checkout was rejected has it undone', async () => {
    const { body } = await buyByCard(await stock(5), 'pm_declined');
    const [intent] = await intentsOf(body['checkoutId']);
    expect(intent?.status).toBe('requires_payment_method');
    expect(await tellOf(body['checkoutId'])).toBe(200);
    await expect
      .poll(() => intentsOf(body['checkoutId']), { timeout: 20_000 })
      .toMatchObject([{ status: 'canceled' }]);
  });

  it('is refused where Stripe did not sign it', async () => {
    expect(await tellOf(randomUUID(), 't=1,v1=00')).toBe(400);
  });
});
