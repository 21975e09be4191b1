import { randomUUID } from 'node:crypto';
import { beforeAll, expect, inject, it } from 'vitest';
import { address, ShopClient } from '../../eval/cluster/shop-client.ts';

const url = inject('shopUrl');
const owner = new ShopClient(url);
const sku = `S-${randomUUID().slice(0, 8)}`.toUpperCase();

beforeAll(async () => {
  await owner.signIn('owner@localhost', inject('ownerPassword'));
  const header = 'Handle,Title,Published,Option1 Name,Option1 Value,Variant SKU,';
  const row = `test-${sku.toLowerCase()},Test ${sku},TRUE,Title,Default Title,${sku},`;
  const csv = `${header}Variant Inventory Qty,Variant Price\n${row}50,12.99\n`;
  expect((await owner.importCsv(csv)).body).toMatchObject({ created: 1 });
});

/** Somebody with an account and a session. */
async function newCustomer() {
  const email = `ada-${randomUUID()}@example.com`;
  const client = new ShopClient(url);
  const body = { email, password: 'analytical engine', name: 'Ada' };
  const { body: account } = await client.call<{ id: string }>('/api/customers', { body });
  return { id: account.id, email, client };
}

/** Buys with what the session says, and with no e-mail address beside it. */
const buy = (client: ShopClient, cookie?: string | null) =>
  client.call('/api/orders', {
    body: {
      lines: [{ sku, quantity: 1 }],
      shippingAddress: address,
      payment: { method: 'test', token: 'tok_ok' },
    },
    headers: {
      'idempotency-key': randomUUID(),
      prefer: 'wait=20',
      ...(cookie == null ? {} : { cookie }),
    },
  });

it('stops buying and seeing orders with the erasure, which reaches what was bought', async () => {
  const { client, email } = await newCustomer();
  const { cookie } = client;
  const bought = await buy(client);
  expect(bought.status).toBe(201);
  const order = () => owner.call(`/api/orders/${bought.body['number']}`);
  expect((await order()).body).toMatchObject({ email });
  expect((await client.call('/api/customers/me', { method: 'DELETE' })).status).toBe(204);
  const guest = new ShopClient(url);
  expect((await buy(guest, cookie)).status).toBe(422); // nobody knows whose it would be
  const headers = { cookie: cookie ?? '' };
  expect((await guest.call('/api/customers/me/orders', { headers })).status).toBe(401);
  expect((await guest.call(`/api/orders/${bought.body['number']}`, { headers })).status).toBe(404);
  await expect
    .poll(async () => (await order()).body, { timeout: 20_000 })
    .toMatchObject({ email: null, shippingAddress: null });
});

it('ends what staff may do with the role', async () => {
  const { client, id, email } = await newCustomer();
  const role = (to: string) =>
    owner.call(`/api/admin/customers/${id}`, { method: 'PATCH', body: { role: to } });
  expect((await role('staff')).status).toBe(200);
  await client.signIn(email, 'analytical engine');
  expect((await client.call('/api/admin/orders')).status).toBe(200);
  expect((await role('customer')).status).toBe(200);
  expect((await client.call('/api/admin/orders')).status).toBe(401); // it has to sign in anew
  await client.signIn(email, 'analytical engine');
  expect((await client.call('/api/admin/orders')).status).toBe(403);
});
