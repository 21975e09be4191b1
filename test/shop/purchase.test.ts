import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { ShopClient } from '../../eval/cluster/shop-client.ts';

const guest = new ShopClient(inject('shopUrl'));
const owner = new ShopClient(inject('shopUrl'));

const header =
  'Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,' +
  'Variant Inventory Qty,Variant Price\n';

/** A product of its own for each test, so that no test disturbs another. */
async function stock(quantity: number, price = '12.99', sku = newSku()): Promise<string> {
  const row = `test-${sku.toLowerCase()},Test ${sku},<p>x</p>,v,t,,TRUE,Title,Default Title,`;
  const answer = await owner.importCsv(`${header}${row}${sku},${quantity},${price}\n`);
  expect(answer.body).toMatchObject({ created: 1, errors: [] });
  return sku;
}

function newSku(): string {
  return `T-${randomUUID().slice(0, 8)}`.toUpperCase();
}

async function available(sku: string): Promise<number | undefined> {
  const { body } = await guest.call<{ variants: { sku: string; available: number }[] }>(
    `/api/products/test-${sku.toLowerCase()}`,
  );
  return body.variants.find((variant) => variant.sku === sku)?.available;
}

function countBy(values: readonly number[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

beforeAll(() => owner.signIn('owner@localhost', inject('ownerPassword')));

describe('buying', () => {
  it('places an order that its token opens and nothing else does', async () => {
    const sku = await stock(5);
    const { status, body, headers } = await guest.buy(randomUUID(), [{ sku, quantity: 2 }]);
    expect(status).toBe(201);
    expect(body).toMatchObject({
      state: 'placed',
      total: { amount: 2598, currency: 'USD' },
      lines: [{ sku, quantity: 2, unitPrice: { amount: 1299, currency: 'USD' } }],
    });
    expect(headers.get('location')).toBe(`/api/orders/${body['number']}`);
    const opened = await guest.call(`/api/orders/${body['number']}?token=${body['token']}`);
    expect(opened.body).toMatchObject({ number: body['number'], email: 'ada@example.com' });
    expect((await guest.call(`/api/orders/${body['number']}`)).status).toBe(404);
    expect((await guest.call(`/api/orders/${body['number']}?token=guess`)).status).toBe(404);
    expect(await available(sku)).toBe(3);
  });

  it('hands titles on byte by byte, whatever their alphabet', async () => {
    const sku = `Ñ-${randomUUID().slice(0, 8)}`;
    const row = `${sku.slice(2)}-x,Piñata 🪅 玩具,<p>x</p>,v,t,,TRUE,Title,Default Title,`;
    await owner.importCsv(`${header}${row}${sku},5,1.00\n`);
    const { status, body } = await guest.buy(randomUUID(), [{ sku, quantity: 1 }]);
    expect(status).toBe(201);
    expect(body).toMatchObject({
      lines: [{ sku, title: expect.stringContaining('Piñata 🪅 玩具') }],
    });
  });

  it('sells ten units to a hundred buyers: ten get one, ninety hear so, none is left', async () => {
    const sku = await stock(10);
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => guest.buy(randomUUID(), [{ sku, quantity: 1 }])),
    );
    expect(countBy(answers.map((answer) => answer.status))).toEqual({ 201: 10, 409: 90 });
    const loser = answers.find((answer) => answer.status === 409);
    expect(loser?.body['type']).toMatch(/\/sold-out$/);
    expect(loser?.body).toMatchObject({ sku, available: 0 });
    expect(await available(sku)).toBe(0);
  });

  it('sells again what was sold out, deleted and imported anew', async () => {
    const sku = await stock(1);
    const buy = () => guest.buy(randomUUID(), [{ sku, quantity: 1 }]);
    expect((await buy()).status).toBe(201);
    const soldOut = await buy();
    expect(soldOut.status).toBe(409);
    const product = `/api/admin/products/test-${sku.toLowerCase()}`;
    expect((await owner.call(product, { method: 'DELETE' })).status).toBe(204);
    await stock(5, '12.99', sku);
    await expect.poll(() => available(sku)).toBe(5);
    await expect.poll(async () => (await buy()).status).toBe(201);
  });

  it('answers a key that is sent fifty times at once with one order', async () => {
    const sku = await stock(50);
    const key = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => guest.buy(key, [{ sku, quantity: 1 }])),
    );
    expect(countBy(answers.map((answer) => answer.status))).toEqual({ 201: 50 });
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
    expect(await available(sku)).toBe(49);
    const other = await guest.buy(key, [{ sku, quantity: 2 }]);
    expect(other.status).toBe(422);
    expect((await guest.buy(key, [{ sku, quantity: 1 }])).body).toEqual(answers[0]?.body);
  });

  it('answers a winner the same when it asks again after the sell-out', async () => {
    const sku = await stock(1);
    const key = randomUUID();
    const won = await guest.buy(key, [{ sku, quantity: 1 }]);
    expect(won.status).toBe(201);
    expect((await guest.buy(randomUUID(), [{ sku, quantity: 1 }])).status).toBe(409);
    const again = await guest.buy(key, [{ sku, quantity: 1 }]);
    expect(again.status).toBe(201);
    expect(again.body).toEqual(won.body);
  });

  it('gives stock back when the payment is declined', async () => {
    const sku = await stock(3);
    const { status, body } = await guest.buy(randomUUID(), [{ sku, quantity: 3 }], {
      token: 'tok_declined',
    });
    expect(status).toBe(402);
    expect(body['type']).toMatch(/\/payment-declined$/);
    await expect.poll(() => available(sku), { timeout: 10_000 }).toBe(3);
  });

  it('says 202 and a place in line when it may not wait, and the outcome later', async () => {
    const sku = await stock(3);
    const lines = [{ sku, quantity: 1 }];
    const queued = await guest.buy(randomUUID(), lines, { token: 'tok_slow', waitSeconds: 0 });
    expect(queued.status).toBe(202);
    expect(queued.body).toMatchObject({ state: 'queued' });
    const location = queued.headers.get('location') ?? '';
    expect(location).toBe(`/api/checkouts/${queued.body['id']}`);
    const events = await guest.call<string>(`${location}/events`);
    expect(events.body).toContain('"state":"queued"');
    expect(events.body).toContain('"state":"placed"');
    expect((await guest.call(location)).body).toMatchObject({ state: 'placed' });
  });

  it('refuses what it cannot read, and leaves the key free', async () => {
    const sku = await stock(3);
    const key = randomUUID();
    expect((await guest.buy(key, [{ sku: 'NO-SUCH-SKU', quantity: 1 }])).status).toBe(422);
    expect((await guest.buy(key, [{ sku, quantity: -1 }])).status).toBe(422);
    expect((await guest.buy(key, [])).status).toBe(422);
    expect((await guest.call('/api/orders', { body: {} })).status).toBe(400);
    expect((await guest.buy(key, [{ sku, quantity: 1 }])).status).toBe(201);
  });

  it('keeps every invariant', async () => {
    const { status, body } = await owner.call<{ holds: boolean; invariants: object[] }>(
      '/api/admin/integrity',
    );
    expect(status).toBe(200);
    expect(body.invariants.length).toBeGreaterThan(3);
    expect(body.invariants.filter((each) => !('holds' in each && each.holds))).toEqual([]);
    expect(body.holds).toBe(true);
  });
});
