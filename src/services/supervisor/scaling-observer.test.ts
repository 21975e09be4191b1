import { describe, expect, it } from 'vitest';
import type { ServiceInstance } from '../../kit/cluster/directory.ts';
import type { ServerTier } from '../../scaling/scaling-observation.ts';
import { ScalingObserver } from './scaling-observer.ts';

type Figures = Record<string, number>;

/** Processes by id, each with what it answers; null does not answer. */
class FakeShop {
  readonly loads = new Map<string, Figures | null>();
  queue: Figures | null = { depth: 0, head: 1, oldestAgeSeconds: 0 };
  booting = 0;

  readonly asked: string[] = [];
  readonly observer: ScalingObserver;

  constructor(fixed: readonly ServerTier[] = []) {
    const fleet = {
      instances: (role: string) => [...this.loads.keys()].flatMap((id) => instanceOf(id, role)),
      count: (role: string) => this.instances(role) + (role === 'worker' ? this.booting : 0),
    };
    const ask = async <T>({ id }: ServiceInstance, path: string): Promise<T | null> => {
      this.asked.push(id);
      const answer = path === '/internal/queue' ? this.queue : this.loads.get(id);
      return (answer ?? null) as T | null;
    };
    this.observer = new ScalingObserver(fleet, ask, fixed);
    for (const role of ['orders', 'worker', 'gateway', 'storefront', 'catalog']) {
      this.loads.set(`${role}-1`, { busyMs: 100, requests: 0, paymentsBusyMs: 0, done: 0 });
    }
  }

  instances(role: string): number {
    return [...this.loads.keys()].filter((id) => id.startsWith(role)).length;
  }
}

function instanceOf(id: string, role: string): ServiceInstance[] {
  if (!id.startsWith(role)) return [];
  const pid = [...id].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 0);
  return [{ id, role, url: 'http://x', state: 'ready', pid, since: '2026-01-01T00:00:00Z' }];
}

describe('an observation of the tiers', () => {
  it('has the queue, the workers that can work and those that boot', async () => {
    const shop = new FakeShop();
    shop.booting = 2;
    shop.queue = { depth: 30, head: 101, oldestAgeSeconds: 1.5 };
    shop.observer.bootEnded('worker', 350);
    const { worker } = await shop.observer.observe(0);
    expect(worker).toMatchObject({ ready: 1, booting: 2, backlog: 30, oldestAgeMs: 1_500 });
    expect(worker).toMatchObject({ arrivedTotal: 130, bootsMs: [350] });
    expect((await shop.observer.observe(250)).worker?.bootsMs).toEqual([]);
  });

  it('sums work up so that nothing is lost with a process that ends', async () => {
    const shop = new FakeShop();
    shop.queue = { depth: 1, head: 1, oldestAgeSeconds: 0 };
    await shop.observer.observe(0);
    shop.loads.set('worker-1', { busyMs: 150, requests: 0, paymentsBusyMs: 200, done: 40 });
    shop.loads.set('worker-2', { busyMs: 500, requests: 0, paymentsBusyMs: 0, done: 0 });
    const first = (await shop.observer.observe(250)).worker;
    expect(first).toMatchObject({ ready: 2, doneTotal: 40, busyMsTotal: 200, batchFullness: 1 });
    shop.loads.delete('worker-1');
    shop.loads.set('worker-2', { busyMs: 520, requests: 0, paymentsBusyMs: 100, done: 20 });
    const second = (await shop.observer.observe(500)).worker;
    expect(second).toMatchObject({ ready: 1, doneTotal: 60, busyMsTotal: 300 });
  });

  it('takes the event loop for the measure where it is busier than the payments', async () => {
    const shop = new FakeShop();
    shop.queue = { depth: 1, head: 1, oldestAgeSeconds: 0 };
    await shop.observer.observe(0);
    shop.loads.set('worker-1', { busyMs: 350, requests: 0, paymentsBusyMs: 10, done: 900 });
    const { worker } = await shop.observer.observe(500);
    expect(worker).toMatchObject({ busyMsTotal: 250, batchFullness: 0.5 });
  });

  it('asks no worker of a shop that is idle, and takes nothing of that time for work', async () => {
    const shop = new FakeShop();
    for (const now of [0, 1_000, 2_000, 2_500]) await shop.observer.observe(now);
    shop.asked.length = 0;
    shop.loads.set('worker-1', { busyMs: 36_000, requests: 0, paymentsBusyMs: 0, done: 5 });
    const idle = (await shop.observer.observe(3_000)).worker;
    expect(idle).toMatchObject({ ready: 1, backlog: 0, doneTotal: 0, busyShare: 0 });
    expect(shop.asked).not.toContain('worker-1');
    shop.queue = { depth: 2, head: 8, oldestAgeSeconds: 0 };
    const first = (await shop.observer.observe(3_500)).worker;
    expect(first).toMatchObject({ arrivedTotal: 9, doneTotal: 0, busyMsTotal: 0 });
    shop.loads.set('worker-1', { busyMs: 36_100, requests: 0, paymentsBusyMs: 50, done: 12 });
    const busy = (await shop.observer.observe(3_750)).worker;
    expect(busy).toMatchObject({ doneTotal: 7, busyMsTotal: 100 });
  });

  it('asks on for a while behind the last purchase, for payments that are slow', async () => {
    const shop = new FakeShop();
    await shop.observer.observe(0);
    shop.queue = { depth: 0, head: 2, oldestAgeSeconds: 0 };
    await shop.observer.observe(250);
    shop.loads.set('worker-1', { busyMs: 110, requests: 0, paymentsBusyMs: 80, done: 1 });
    const { worker } = await shop.observer.observe(750);
    expect(worker).toMatchObject({ doneTotal: 1, busyMsTotal: 80 });
  });

  it('never asks a tier that cannot be scaled', async () => {
    const shop = new FakeShop(['gateway', 'catalog']);
    const { gateway, catalog, storefront } = await shop.observer.observe(0);
    expect([gateway, catalog]).toEqual([null, null]);
    expect(storefront).toMatchObject({ ready: 1 });
    expect(shop.asked.toSorted()).toEqual(['orders-1', 'storefront-1', 'worker-1']);
  });

  it('does not take silence for idleness', async () => {
    const shop = new FakeShop();
    await shop.observer.observe(0);
    shop.loads.set('gateway-1', null);
    shop.queue = null;
    const { gateway, worker, catalog } = await shop.observer.observe(250);
    expect([gateway, worker]).toEqual([null, null]);
    expect(catalog).not.toBeNull();
  });

  it('counts the requests of request servers as their arrivals and their work', async () => {
    const shop = new FakeShop();
    await shop.observer.observe(0);
    shop.loads.set('gateway-1', { busyMs: 300, requests: 700 });
    const { gateway } = await shop.observer.observe(250);
    expect(gateway).toMatchObject({ arrivedTotal: 700, doneTotal: 700, busyMsTotal: 200 });
  });
});
