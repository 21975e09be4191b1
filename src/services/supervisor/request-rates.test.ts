import { describe, expect, it } from 'vitest';
import type { ServiceInstance } from '../../kit/cluster/directory.ts';
import { RequestRates } from './request-rates.ts';
import type { Ask } from './scaling-observer.ts';

function instance(pid: number, changes: Partial<ServiceInstance> = {}): ServiceInstance {
  const url = `http://127.0.0.1:${pid}`;
  const id = `catalog-${pid}`;
  return { id, role: 'catalog', url, state: 'ready', pid, since: '', ...changes };
}

/** Answers the given figures for each process; null where it does not answer. */
function answering(loads: Record<number, object | null>): Ask {
  return (async ({ pid }: ServiceInstance) => loads[pid] ?? null) as Ask;
}

describe('requests a second', () => {
  it('are what was counted between two looks', async () => {
    const loads: Record<number, object | null> = {
      1: { requests: 10 },
      2: { requests: 0, done: 5 },
    };
    const rates = new RequestRates(answering(loads));
    const services = [instance(1), instance(2, { role: 'worker' })];
    await rates.refresh(services, 0);
    expect([rates.rateOf(1), rates.rateOf(2)]).toEqual([0, 0]);
    loads[1] = { requests: 40 };
    loads[2] = { requests: 100, done: 25 };
    await rates.refresh(services, 2_000);
    expect([rates.rateOf(1), rates.rateOf(2)]).toEqual([15, 10]);
  });

  it('are none of a service that starts, does not answer or is gone, never negative', async () => {
    const loads: Record<number, object | null> = { 1: { requests: 10 } };
    const rates = new RequestRates(answering(loads));
    await rates.refresh([instance(1), instance(2, { state: 'starting' })], 0);
    loads[1] = { requests: 3 };
    await rates.refresh([instance(1)], 1_000);
    expect(rates.rateOf(1)).toBe(0);
    loads[1] = { requests: 13 };
    await rates.refresh([instance(1)], 2_000);
    expect(rates.rateOf(1)).toBe(10);
    loads[1] = null;
    await rates.refresh([instance(1)], 3_000);
    expect([rates.rateOf(1), rates.rateOf(2)]).toEqual([0, 0]);
    await rates.refresh([], 4_000);
    expect(rates.rateOf(1)).toBe(0);
  });
});
