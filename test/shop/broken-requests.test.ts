import { readFileSync } from 'node:fs';
import { expect, inject, test } from 'vitest';
import { defectsIn } from '../../eval/cluster/service-logs.ts';
import { ShopClient } from '../../eval/cluster/shop-client.ts';
import { sendMalformed } from '../../eval/fuzz/send-malformed.ts';
import { endpoints } from '../../src/api/openapi.ts';
import type { ClusterState } from '../../src/kit/cluster/directory.ts';
import { clusterFile } from '../../src/kit/cluster/file-directory.ts';

const requests = 1_000;
const url = inject('shopUrl');
const home = inject('shopHome');
const header = 'Handle,Title,Published,Variant SKU,Variant Inventory Qty,Variant Price\n';

function processes(): readonly string[] {
  const { services }: ClusterState = JSON.parse(readFileSync(clusterFile(home), 'utf8'));
  return services.map(({ id, pid, state }) => `${id} ${pid} ${state}`).sort();
}

/** Reads, fills a cart, buys and imports, again and again. Every answer must be a good one. */
async function honestClient(owner: ShopClient, isOver: () => boolean): Promise<number[]> {
  const guest = new ShopClient(url);
  const row = 'honest,Honest teddy,TRUE,HONEST,1000,1.00\n';
  const lines = [{ sku: 'HONEST', quantity: 1 }];
  const statuses: number[] = [];
  for (let turn = 0; !isOver(); turn += 1) {
    const answers = [
      await owner.importCsv(header + row),
      await guest.call(`/api/products?search=nothing${turn}`),
      await guest.call('/api/carts', { body: { lines } }),
      await guest.buy(`honest-${turn}-${Date.now()}`, lines),
      await owner.call('/api/admin/customers'),
      await owner.call('/api/control/cluster'),
      await guest.call('/'),
    ];
    statuses.push(...answers.map(({ status }) => status));
  }
  return statuses;
}

test(`${requests} uploads that break off or are refused hurt nobody else`, async () => {
  const seed = Date.now() % 1_000_000;
  const owner = new ShopClient(url);
  await owner.signIn('owner@localhost', inject('ownerPassword'));
  const before = { processes: processes(), defects: defectsIn(home) };
  let isOver = false;
  const broken = sendMalformed({
    port: Number(new URL(url).port),
    endpoints,
    requests,
    seed,
    cookie: owner.cookie ?? '',
    brokenShare: 1,
  }).finally(() => {
    isOver = true;
  });
  const [{ statuses, failures }, honest] = await Promise.all([
    broken,
    honestClient(owner, () => isOver),
  ]);
  expect(failures, `seed ${seed}`).toEqual([]);
  expect(honest.length).toBeGreaterThan(20);
  expect(honest.filter((status) => status >= 300)).toEqual([]);
  expect({ processes: processes(), defects: defectsIn(home) }).toEqual(before);
  expect(statuses[413], JSON.stringify(statuses)).toBeGreaterThan(requests / 20);
});
