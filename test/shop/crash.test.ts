/**
 * kill -9 of each service in turn while two hundred shoppers buy: whoever was promised an order
 * has it, once. Shoppers repeat their key, as the contract asks of them.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { ShopClient } from '../../eval/cluster/shop-client.ts';
import type { ClusterState } from '../../src/kit/cluster/directory.ts';
import { clusterFile } from '../../src/kit/cluster/file-directory.ts';

const url = inject('shopUrl');
const home = inject('shopHome');
const owner = new ShopClient(url);
const guest = new ShopClient(url);
const shoppers = 200;
const shoppersAtOnce = 20;
const patienceMs = 40_000;
const retryMs = 100;

const header =
  'Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,' +
  'Variant Inventory Qty,Variant Price\n';

function services(role: string) {
  const cluster = JSON.parse(readFileSync(clusterFile(home), 'utf8')) as ClusterState;
  return cluster.services.filter((each) => each.role === role);
}

async function stock(quantity: number): Promise<string> {
  const sku = `C-${randomUUID().slice(0, 8)}`.toUpperCase();
  const row = `crash-${sku.toLowerCase()},Crash ${sku},<p>x</p>,v,t,,TRUE,Title,Default Title,`;
  const answer = await owner.importCsv(`${header}${row}${sku},${quantity},5.00\n`);
  expect(answer.body).toMatchObject({ created: 1, errors: [] });
  return sku;
}

/** Sends it again with the same key until the shop says what became of it. */
async function buyPatiently(key: string, sku: string): Promise<{ status: number; number: string }> {
  const until = Date.now() + patienceMs;
  let last = 'nothing';
  while (Date.now() < until) {
    try {
      const { status, body } = await guest.buy(key, [{ sku, quantity: 1 }], { waitSeconds: 5 });
      if (status < 500 && status !== 202) return { status, number: String(body['number']) };
      last = `${status} ${JSON.stringify(body)}`;
    } catch (error) {
      last = String(error);
    }
    await sleep(retryMs);
  }
  throw new Error(`no final answer for ${key}: ${last}`);
}

/** Buys with `shoppers` keys and calls `midway` when half of them are served. */
async function crowd(sku: string, midway: () => void): Promise<Map<string, string>> {
  const keys = Array.from({ length: shoppers }, () => randomUUID());
  const numbers = new Map<string, string>();
  const line = keys.values();
  const shop = async (): Promise<void> => {
    for (const key of line) {
      const { status, number } = await buyPatiently(key, sku);
      expect(status).toBe(201);
      numbers.set(key, number);
      if (numbers.size === shoppers / 2) midway();
    }
  };
  await Promise.all(Array.from({ length: shoppersAtOnce }, shop));
  return numbers;
}

/** Orders of this SKU in the log, by number. */
async function logged(sku: string): Promise<string[]> {
  const found: string[] = [];
  let after = '';
  for (;;) {
    const { body } = await owner.call<{
      items: { number: string; lines: { sku: string }[] }[];
      next: string | null;
    }>(`/api/admin/orders?limit=100${after}`);
    for (const { number, lines } of body.items) {
      if (lines.some((each) => each.sku === sku)) found.push(number);
    }
    if (body.next === null || body.items.length === 0) return found;
    after = `&after=${body.next}`;
  }
}

beforeAll(() => owner.signIn('owner@localhost', inject('ownerPassword')));

describe('kill -9 during 200 purchases', () => {
  it.each(['gateway', 'orders', 'catalog', 'customers', 'worker', 'storefront'])(
    'of the %s: every acknowledged purchase is in the log once',
    async (role) => {
      const sku = await stock(shoppers + 10);
      const [victim] = services(role);
      if (victim === undefined) throw new Error(`no ${role} runs`);
      const numbers = await crowd(sku, () => process.kill(victim.pid, 'SIGKILL'));
      const reborn = () =>
        services(role).some(({ pid, state }) => pid !== victim.pid && state === 'ready');
      await expect.poll(reborn, { timeout: 20_000 }).toBe(true);
      expect(new Set(numbers.values()).size).toBe(shoppers);
      expect((await logged(sku)).sort()).toEqual([...numbers.values()].sort());
      const { body } = await guest.call<{ variants: { available: number }[] }>(
        `/api/products/crash-${sku.toLowerCase()}`,
      );
      expect(body.variants[0]?.available).toBe(10);
    },
  );

  it('breaks no invariant', async () => {
    const { status, body } = await owner.call<{ holds: boolean; invariants: object[] }>(
      '/api/admin/integrity',
    );
    expect(status).toBe(200);
    expect(body.invariants.filter((each) => !('holds' in each && each.holds))).toEqual([]);
    expect(body.holds).toBe(true);
  });
});
