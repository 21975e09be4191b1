/** One running shop for all tests of this folder and of e2e; its address comes by `inject`. */
import type { TestProject } from 'vitest/node';
import { type RunningShop, startShop } from '../../eval/cluster/running-shop.ts';

declare module 'vitest' {
  interface ProvidedContext {
    shopUrl: string;
    shopHome: string;
    ownerPassword: string;
  }
}

let shop: RunningShop | null = null;

export async function setup(project: TestProject): Promise<void> {
  shop = await startShop({ env: { DOORBUSTER_OWNER_PASSWORD: 'correct horse battery' } });
  project.provide('shopUrl', shop.url);
  project.provide('shopHome', shop.home);
  project.provide('ownerPassword', 'correct horse battery');
}

export async function teardown(): Promise<void> {
  const code = await shop?.stop();
  if (code !== 0) throw new Error(`the shop did not stop cleanly: ${code}`);
}
