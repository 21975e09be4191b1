import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeAll, expect, inject, it, vi } from 'vitest';
import { ShopClient } from '../../eval/cluster/shop-client.ts';
import type { ClusterState } from '../../src/kit/cluster/directory.ts';
import { clusterFile } from '../../src/kit/cluster/file-directory.ts';

const home = inject('shopHome');
const floorsFile = path.join(home, 'floors.json');
const owner = new ShopClient(inject('shopUrl'));
const patience = { timeout: 30_000, interval: 50 };
const header = 'Handle,Title,Published,Variant SKU,Variant Inventory Qty,Variant Price\n';

beforeAll(() => owner.signIn('owner@localhost', inject('ownerPassword')));
afterEach(() => rmSync(floorsFile, { force: true }));

function workers(): string[] {
  const { services } = JSON.parse(readFileSync(clusterFile(home), 'utf8')) as ClusterState;
  return services.filter(({ role }) => role === 'worker').map(({ state }) => state);
}

it('more workers come for a sale and leave after it, and no purchase is lost', async () => {
  const sku = `SALE-${randomUUID().slice(0, 8)}`.toUpperCase();
  await owner.importCsv(`${header}${sku.toLowerCase()},${sku},TRUE,${sku},100000,5.00\n`);
  const statuses: number[] = [];
  let isOver = false;
  const buyer = async (): Promise<void> => {
    while (!isOver) {
      const { status } = await owner.buy(randomUUID(), [{ sku, quantity: 1 }]);
      statuses.push(status);
    }
  };
  const buyers = Promise.all(Array.from({ length: 8 }, buyer));
  const [from, to] = [0, 3_600_000].map((ms) => new Date(Date.now() + ms).toISOString());
  writeFileSync(floorsFile, JSON.stringify([{ tier: 'worker', servers: 3, from, to }]));
  await vi.waitFor(() => expect(workers()).toEqual(['ready', 'ready', 'ready']), patience);
  const before = statuses.length;
  await vi.waitFor(() => expect(statuses.length).toBeGreaterThan(before + 20), patience);
  rmSync(floorsFile);
  await vi.waitFor(() => expect(workers()).toEqual(['ready']), patience);
  isOver = true;
  await buyers;
  expect(new Set(statuses)).toEqual(new Set([201]));
  const { body } = await owner.call<{ holds: boolean }>('/api/admin/integrity');
  expect(body.holds).toBe(true);
  const report = await owner.call<{ scaling: { why: string }[] }>('/api/control/cluster');
  expect(report.body.scaling.map(({ why }) => why).join()).toContain('the schedule from');
}, 120_000);
