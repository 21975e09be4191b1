import { randomUUID } from 'node:crypto';
import { beforeAll, expect, inject, it } from 'vitest';
import { ShopClient } from '../../eval/cluster/shop-client.ts';

const guest = new ShopClient(inject('shopUrl'));
const owner = new ShopClient(inject('shopUrl'));

/** Less than a worker waits for the answer to one payment. */
const waitSeconds = 4;
const deadPayments = 60;
const units = 500;

async function stock(quantity: number): Promise<string> {
  const sku = `T-${randomUUID().slice(0, 8)}`.toUpperCase();
  const header = 'Handle,Title,Published,Variant SKU,Variant Inventory Qty,Variant Price\n';
  await owner.importCsv(`${header}test-${sku.toLowerCase()},Test,TRUE,${sku},${quantity},12.99\n`);
  return sku;
}

beforeAll(() => owner.signIn('owner@localhost', inject('ownerPassword')));

/** Half of them by one buyer, the others by a buyer each. */
const emailOf = (index: number) => `mallory-${Math.max(0, index - deadPayments / 2)}@example.com`;

it('payments that nobody answers keep no honest buyer waiting', async () => {
  const sku = await stock(units);
  const lines = [{ sku, quantity: 1 }];
  const attack = Array.from({ length: deadPayments }, (_, index) =>
    guest.buy(randomUUID(), lines, {
      token: 'tok_timeout',
      waitSeconds: 0,
      email: emailOf(index),
    }),
  );
  const accepted = await Promise.all(attack);
  expect(new Set(accepted.map(({ status }) => status))).toEqual(new Set([202]));
  const path = `/api/checkouts/${accepted[0]?.body['id']}`;
  const honest: number[] = [];
  await expect
    .poll(
      async () => {
        const email = `ada-${honest.length}@example.com`;
        const { status } = await guest.buy(randomUUID(), lines, { waitSeconds, email });
        honest.push(status);
        return (await guest.call(path)).body;
      },
      { timeout: 60_000, interval: 500 },
    )
    .toMatchObject({ state: 'rejected', reason: 'payment-timeout' });
  expect(honest.length).toBeGreaterThan(5);
  expect(new Set(honest)).toEqual(new Set([201]));
});
