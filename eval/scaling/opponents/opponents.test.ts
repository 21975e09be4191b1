import { describe, expect, test } from 'vitest';
import type { FleetPolicy, FleetSize, ShopView, TierView } from '../fleet-policy.ts';
import { simulateShop } from '../shop-simulation.ts';
import { workloadNamed } from '../workload.ts';
import { dropsAndPolls, queuePerServer, twoLongQueues } from './course-rules.ts';
import { fixedFleet } from './fixed-fleet.ts';
import { keda } from './kubernetes.ts';
import { highestWithin, playOracle } from './oracle.ts';
import { targetTracking } from './target-tracking.ts';

const quiet: TierView = {
  ready: 1,
  booting: 0,
  waiting: 0,
  oldestAgeMs: 0,
  arrivedTotal: 0,
  doneTotal: 0,
  droppedTotal: 0,
  busyMsTotal: 0,
  bootsMs: [],
  idleFor: () => 0,
};

function shop(worker: Partial<TierView>, gateway: Partial<TierView> = {}): ShopView {
  return { worker: { ...quiet, ...worker }, gateway: { ...quiet, ...gateway }, visitsTotal: 0 };
}

/** What a policy says of a shop that stays the same, look by look. */
function looks(policy: FleetPolicy, view: ShopView, count: number): FleetSize[] {
  return Array.from({ length: count }, (_, index) => policy.decide(view, index * policy.periodMs));
}

describe('the rules of the course', () => {
  test('queue per server: out above three waiting for each, in when one idled 2.3 s', () => {
    const policy = queuePerServer(3, 2300);
    expect(policy.decide(shop({ ready: 2, waiting: 6 }), 0).workers).toBe(2);
    expect(policy.decide(shop({ ready: 2, waiting: 7 }), 0).workers).toBe(3);
    expect(policy.decide(shop({ ready: 2, booting: 1, waiting: 7 }), 0).workers).toBe(3);
    const idle = (ms: number) => (ms <= 2300 ? 1 : 0);
    expect(policy.decide(shop({ ready: 4, idleFor: idle }), 0).workers).toBe(3);
  });

  test('drops and polls: gateways by the line, a worker for three drops', () => {
    const policy = dropsAndPolls(5, 3, 3);
    expect(policy.decide(shop({ droppedTotal: 2 }, { waiting: 6 }), 0)).toEqual({
      gateways: 2,
      workers: 1,
    });
    expect(policy.decide(shop({ droppedTotal: 3 }), 100).workers).toBe(2);
    expect(policy.decide(shop({ droppedTotal: 3 }), 200).workers).toBe(1);
  });

  test('two long queues in a row start two servers', () => {
    const sizes = looks(twoLongQueues(3), shop({ waiting: 9 }), 3);
    expect(sizes.map((size) => size.workers)).toEqual([1, 3, 1]);
  });
});

describe('Kubernetes', () => {
  const settings = { name: 'test', pollMs: 15_000, backlogPerWorker: 5 };

  test('backlog ÷ target, but at most doubled or four more in 15 s', () => {
    const policy = keda(settings);
    expect(policy.decide(shop({ ready: 1, waiting: 14 }), 0).workers).toBe(3);
    expect(policy.decide(shop({ ready: 3, waiting: 500 }), 15_000).workers).toBe(7);
    expect(policy.decide(shop({ ready: 7, waiting: 500 }), 30_000).workers).toBe(14);
  });

  test('within a tenth of the target nothing changes', () => {
    expect(keda(settings).decide(shop({ ready: 2, waiting: 8.5 }), 0).workers).toBe(2);
  });

  test('down only to the highest recommendation of the last 300 s', () => {
    const policy = keda(settings);
    expect(policy.decide(shop({ ready: 10, waiting: 40 }), 0).workers).toBe(10);
    const later = Array.from({ length: 20 }, (_, index) =>
      policy.decide(shop({ ready: 10, idleFor: () => 10 }), (index + 1) * 15_000),
    );
    expect(later[18]?.workers).toBe(10);
    expect(later[19]?.workers).toBe(1);
  });
});

describe('target tracking', () => {
  test('out in proportion after three minutes above the target, then a cooldown', () => {
    const policy = targetTracking();
    const sizes = looks(policy, shop({ ready: 2, waiting: 15 }), 6 * 5 + 1);
    // 7.5 waiting per worker is twice the target of 3.76.
    expect(sizes.slice(0, 18).every((size) => size.workers === 2)).toBe(true);
    expect(sizes[18]?.workers).toBe(4);
    expect(sizes[24]?.workers).toBe(4);
  });

  test('in only after fifteen quiet minutes', () => {
    const sizes = looks(targetTracking(), shop({ ready: 4 }), 6 * 15 + 1);
    expect(sizes.slice(0, 90).every((size) => size.workers === 4)).toBe(true);
    expect(sizes[90]?.workers).toBe(1);
  });
});

describe('the oracle', () => {
  test('the highest of the steps ahead', () => {
    expect([...highestWithin(Int32Array.of(1, 5, 1, 1, 2, 1), 2)]).toEqual([5, 5, 2, 2, 2, 1]);
  });

  test('is cheaper than every fixed fleet on a crowd that it plans for', () => {
    const workload = workloadNamed('exponential');
    const crowd = workload.crowd(9002);
    const options = { paymentMs: workload.paymentMs };
    const planned = playOracle(crowd, options);
    const fixed = [1, 2, 4, 8, 12].map((size) => simulateShop(crowd, fixedFleet(size), options));
    for (const outcome of fixed) expect(planned.cost).toBeLessThan(outcome.cost);
  });
});
