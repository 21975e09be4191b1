/** A shop that was restored is audited like any other, and sells on. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, inject, it } from 'vitest';
import { makeHome, startShop } from '../../eval/cluster/running-shop.ts';
import { ShopClient } from '../../eval/cluster/shop-client.ts';
import type { IntegrityReport } from '../../src/api/integrity.ts';

const script = path.resolve(import.meta.dirname, '../../src/services/supervisor/backup/main.ts');
const work = mkdtempSync(path.join(tmpdir(), 'doorbuster-restore-'));
const home = makeHome();
const password = inject('ownerPassword');
const header =
  'Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price';

afterAll(() => {
  rmSync(work, { recursive: true, force: true });
  rmSync(home, { recursive: true, force: true });
});

/** The command as people run it. */
async function command(shop: string, ...args: string[]): Promise<{ code: number; words: string }> {
  const env = { PATH: process.env['PATH'], DOORBUSTER_HOME: shop };
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [script, ...args], { env });
    return { code: 0, words: stdout };
  } catch (error) {
    const { code, stderr } = error as { code: number; stderr: string };
    return { code, words: stderr };
  }
}

async function owner(url: string): Promise<ShopClient> {
  const client = new ShopClient(url);
  await client.signIn('owner@localhost', password);
  return client;
}

async function violations(client: ShopClient): Promise<string[]> {
  const { body } = await client.call<IntegrityReport>('/api/admin/integrity');
  return body.invariants.flatMap((each) => each.violations);
}

it('holds what was sold before the backup, keeps its invariants, and sells on', async () => {
  const sku = `R-${randomUUID().slice(0, 8)}`.toUpperCase();
  const row = `restore-${sku.toLowerCase()},Restored,Title,Default Title,${sku},10,5.00`;
  const first = new ShopClient(inject('shopUrl'));
  await (await owner(inject('shopUrl'))).importCsv(`${header}\n${row}\n`);
  const buy = (client: ShopClient) =>
    client.buy(randomUUID(), [{ sku, quantity: 1 }], { waitSeconds: 20 });
  const before = await buy(first);
  expect(before.status).toBe(201);

  const target = path.join(work, 'backup');
  expect(await command(inject('shopHome'), 'backup', target)).toMatchObject({ code: 0 });
  expect((await buy(first)).status).toBe(201); // of this one the backup knows nothing

  const verified = await command(home, 'backup', '--verify', target);
  expect(verified).toEqual({ code: 0, words: expect.stringContaining('is whole') });
  const secrets = path.join(target, 'secrets.json');
  const restored = await command(home, 'restore', target);
  expect(restored).toEqual({ code: 0, words: expect.stringContaining('Now: npm start') });

  const shop = await startShop({ home, env: { DOORBUSTER_TEST_PAYMENTS: 'on' } });
  try {
    const client = await owner(shop.url);
    const order = `/api/orders/${before.body['number']}`;
    expect((await client.call(order)).status).toBe(200);
    expect(await violations(client)).toEqual([]);
    expect((await buy(new ShopClient(shop.url))).status).toBe(201);
    expect(await violations(client)).toEqual([]);
  } finally {
    await shop.stop();
  }

  writeFileSync(secrets, '{}');
  const damaged = await command(path.join(work, 'home'), 'restore', target);
  expect(damaged).toEqual({ code: 1, words: expect.stringMatching(/secrets\.json has 2 bytes/) });
}, 180_000);
