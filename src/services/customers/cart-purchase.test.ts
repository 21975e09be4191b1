/** Carts as purchases see them. */
import { expect, test } from 'vitest';
import {
  type CustomersFixture,
  customersPerTest,
  offerOf,
} from '../../../test/customers/customers-fixture.ts';

let shop: CustomersFixture;

customersPerTest((given) => {
  shop = given;
  shop.sell(offerOf('BEAR'));
});

async function newCart(): Promise<string> {
  return (await shop.ask({ method: 'POST', url: '/api/carts' })).json().id;
}

async function put(id: string, sku: string, quantity: number): Promise<void> {
  const url = `/api/carts/${id}/lines/${sku}`;
  const answer = await shop.ask({ method: 'PUT', url, body: { quantity } });
  expect(answer.statusCode).toBe(200);
}

async function quantitiesOf(id: string): Promise<number[]> {
  const { lines } = (await shop.ask({ method: 'GET', url: `/api/carts/${id}` })).json();
  return lines.map(({ quantity }: { quantity: number }) => quantity);
}

const ask = (path: string, body: object) => shop.ask({ method: 'POST', url: path, body });
const toBuy = async (...ids: string[]) => (await ask('/internal/carts', { ids })).json().carts;

test('reads what a cart holds, in which version, and whose it is', async () => {
  const id = await newCart();
  await put(id, 'BEAR', 2);
  const lines = [{ sku: 'BEAR', quantity: 2 }];
  const cart = { key: expect.any(String), version: expect.any(String) };
  expect(await toBuy(id, 'x', await newCart())).toEqual([
    { customerId: null, lines, cart },
    null,
    { customerId: null, lines: [], cart: null },
  ]);
});

test('sees another version after each change', async () => {
  const id = await newCart();
  const versions = new Set<string>();
  for (const quantity of [2, 3, 2, 2]) {
    await put(id, 'BEAR', quantity);
    versions.add((await toBuy(id))[0].cart.version);
  }
  expect(versions.size).toBe(4);
  const other = await newCart();
  await put(other, 'BEAR', 2);
  expect(versions).not.toContain((await toBuy(other))[0].cart.version);
});

test('empties a cart that was bought, and none that was changed since', async () => {
  const [bought, changed] = [await newCart(), await newCart()];
  for (const id of [bought, changed]) await put(id, 'BEAR', 2);
  const carts = (await toBuy(bought, changed)).map(({ cart }: { cart: object }) => cart);
  await put(changed, 'BEAR', 3);
  for (let times = 0; times < 2; times += 1) {
    expect((await ask('/internal/carts/empty', { carts })).statusCode).toBe(200);
  }
  expect(await quantitiesOf(bought)).toEqual([]);
  expect(await quantitiesOf(changed)).toEqual([3]);
  await put(bought, 'BEAR', 2);
  expect((await toBuy(bought))[0].cart.version).not.toBe(carts[0].version);
});
