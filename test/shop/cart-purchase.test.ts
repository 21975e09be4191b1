import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { address, ShopClient } from '../../eval/cluster/shop-client.ts';

const guest = new ShopClient(inject('shopUrl'));
const owner = new ShopClient(inject('shopUrl'));

const header =
  'Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price\n';

/** A product of its own for each test. */
async function mug(price: string, sku = `C-${randomUUID().slice(0, 8)}`): Promise<string> {
  const row = `${sku.toLowerCase()},Mug,Title,Default Title,${sku},50,${price}\n`;
  const { body } = await owner.importCsv(header + row);
  expect(body.errors).toEqual([]);
  return sku;
}

async function put(cartId: string, sku: string, quantity: number): Promise<void> {
  const line = `/api/carts/${cartId}/lines/${sku}`;
  expect((await guest.call(line, { method: 'PUT', body: { quantity } })).status).toBe(200);
}

async function cartOf(sku: string, quantity = 1): Promise<string> {
  const { body } = await guest.call<{ id: string }>('/api/carts', { body: {} });
  await put(body.id, sku, quantity);
  return body.id;
}

const linesOf = async (id: string) =>
  (await guest.call<{ lines: { quantity: number }[] }>(`/api/carts/${id}`)).body.lines;

function buy(what: object, { key = randomUUID(), token = 'tok_ok' } = {}) {
  return guest.call('/api/orders', {
    body: {
      ...what,
      email: 'ada@example.com',
      shippingAddress: address,
      payment: { method: 'test', token },
    },
    headers: { 'idempotency-key': key, prefer: 'wait=20' },
  });
}

beforeAll(() => owner.signIn('owner@localhost', inject('ownerPassword')));

describe('a cart', () => {
  it('is bought once, however many tabs buy it at once, and is empty afterwards', async () => {
    const cartId = await cartOf(await mug('10.00'), 2);
    const keys = Array.from({ length: 4 }, () => randomUUID());
    const answers = await Promise.all(keys.map((key) => buy({ cartId }, { key })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
    const placed = answers.find(({ status }) => status === 201);
    for (const { body } of answers.filter(({ status }) => status === 409)) {
      expect(body['type']).toMatch(/\/cart-already-bought$/);
      expect(body['order']).toEqual({ number: placed?.body['number'] });
    }
    await expect.poll(() => linesOf(cartId)).toEqual([]);
    expect((await buy({ cartId })).status).toBe(422);
    const first = keys[answers.indexOf(placed as never)] ?? randomUUID();
    expect((await buy({ cartId }, { key: first })).body).toEqual(placed?.body);
  });

  it('can be bought again when the same thing is put into it again', async () => {
    const sku = await mug('10.00');
    const cartId = await cartOf(sku);
    expect((await buy({ cartId })).status).toBe(201);
    await expect.poll(() => linesOf(cartId)).toEqual([]);
    await put(cartId, sku, 1);
    expect((await buy({ cartId })).status).toBe(201);
  });

  it('can be bought again after its payment was declined', async () => {
    const cartId = await cartOf(await mug('10.00'));
    expect((await buy({ cartId }, { token: 'tok_declined' })).status).toBe(402);
    expect(await linesOf(cartId)).toHaveLength(1);
    expect((await buy({ cartId })).status).toBe(201);
  });
});

describe('an expected total', () => {
  const expectedTotal = { amount: 1_000, currency: 'USD' };

  it('keeps a buyer from paying a price that was raised meanwhile', async () => {
    const sku = await mug('10.00');
    const cartId = await cartOf(sku);
    await mug('99.00', sku);
    const { status, body } = await buy({ cartId, expectedTotal });
    expect(status).toBe(409);
    expect(body['type']).toMatch(/\/price-changed$/);
    const risen = { amount: 9_900, currency: 'USD' };
    expect(body['quote']).toMatchObject({
      lines: [{ sku, quantity: 1, unitPrice: risen, total: risen }],
      subtotal: risen,
      total: risen,
    });
    const again = await buy({ cartId, expectedTotal: risen });
    expect([again.status, again.body['total']]).toEqual([201, risen]);
  });

  it('lets a buyer pay less than expected', async () => {
    const lines = [{ sku: await mug('8.00'), quantity: 1 }];
    expect((await buy({ lines, expectedTotal })).status).toBe(201);
  });
});

it('the audit finds nothing wrong with any of it', async () => {
  const { body } = await owner.call<{ holds: boolean; invariants: { name: string }[] }>(
    '/api/admin/integrity',
  );
  expect(body.invariants.map(({ name }) => name)).toContain('a version of a cart is bought once');
  expect(body.holds).toBe(true);
});
