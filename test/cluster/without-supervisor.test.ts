/** The shop as it runs on many machines: services found by DNS, one outside PostgreSQL by URL. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ShopClient } from '../../eval/cluster/shop-client.ts';
import { type LoneService, LoneServices, ownerPassword } from './lone-services.ts';

const startMsMax = 60_000;
const buyers = 50;

let shop: LoneServices;
let gateway: LoneService;
let orders: LoneService[];
let client: ShopClient;

const untilReady = (...services: LoneService[]): Promise<unknown> =>
  Promise.all(services.map((each) => vi.waitUntil(() => each.isReady(), { timeout: startMsMax })));

beforeAll(async () => {
  shop = await LoneServices.open();
  orders = await Promise.all([shop.start('orders'), shop.start('orders')]);
  const others = ['catalog', 'customers', 'storefront', 'worker'];
  const started = await Promise.all(others.map((role) => shop.start(role)));
  gateway = await shop.start('gateway');
  await untilReady(...orders, ...started, gateway);
  client = new ShopClient(`http://127.0.0.1:${shop.publicPort}`);
  await client.signIn('owner@localhost', ownerPassword);
}, 2 * startMsMax);
afterAll(() => shop[Symbol.asyncDispose]());

async function stock(quantity: number): Promise<string> {
  const sku = `T-${randomUUID().slice(0, 8)}`.toUpperCase();
  const header = 'Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,';
  const row = `${sku.toLowerCase()},Test,Title,Default Title,${sku},${quantity},12.99`;
  const { body } = await client.importCsv(`${header}Variant Price\n${row}\n`);
  expect(body).toMatchObject({ created: 1, errors: [] });
  return sku;
}

async function statusesOf(sku: string, count = buyers): Promise<Record<number, number>> {
  const answers = await Promise.all(
    Array.from({ length: count }, () => client.buy(randomUUID(), [{ sku, quantity: 1 }])),
  );
  return Object.fromEntries(
    [...Map.groupBy(answers, ({ status }) => status)].map(([status, all]) => [status, all.length]),
  );
}

it('answers all buyers where several instances of orders stand behind one name', async () => {
  const sku = await stock(buyers);
  expect(await statusesOf(sku)).toEqual({ 201: buyers });
  const shares = await Promise.all(orders.map((each) => shop.requestsOf(each)));
  expect(shares.filter((requests) => requests > 0)).toHaveLength(2);
});

it('uses an instance that comes, and loses nothing with one that goes', async () => {
  const sku = await stock(10_000);
  const third = await shop.start('orders');
  await untilReady(third);
  const [first] = orders as [LoneService];
  first.terminate();
  expect(await vi.waitUntil(async () => !(await first.isReady()))).toBe(true);
  let sold = 0;
  let isGone = false;
  void first.gone.then(() => {
    isGone = true;
  });
  while (!isGone || (await shop.requestsOf(third)) === 0) {
    expect(await statusesOf(sku, 5)).toEqual({ 201: 5 });
    sold += 5;
  }
  expect(await first.gone).toBe(0);
  shop.forget(first);
  expect(sold).toBeGreaterThan(0);
  expect(await statusesOf(sku, 20)).toEqual({ 201: 20 });
});

it('says on SIGTERM that it is not ready, serves on, answers who waits, and closes', async () => {
  const sku = await stock(2);
  gateway.terminate();
  await vi.waitUntil(async () => !(await gateway.isReady()));
  const answer = await (await fetch(`${gateway.url}/readyz`)).json();
  expect(answer).toMatchObject({ ready: false, draining: true });
  const options = { token: 'tok_slow' };
  const { status } = await client.buy(randomUUID(), [{ sku, quantity: 1 }], options);
  expect(status).toBe(201);
  expect(await gateway.gone).toBe(0);
  await expect(client.call('/api/products')).rejects.toThrow();
});
