import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createCrowd } from './crowd.ts';
import { EventQueue } from './event-queue.ts';
import type { FleetPolicy, FleetSize, ShopView } from './fleet-policy.ts';
import { announcedFloors, ourPolicy, simulatedShopTunables } from './our-policy.ts';
import { createRandom } from './random.ts';
import { bootMs, type SecondSample, type ShopOptions, simulateShop } from './shop-simulation.ts';
import { WaitingLine } from './waiting-line.ts';
import { workloadNamed, workloads } from './workload.ts';

/** Not among the tuning seeds and not among the evaluation's. */
const testSeed = 9001;

const free: ShopOptions = { paymentMs: () => 0 };

function always(gateways: number, workers: number): FleetPolicy {
  return { name: 'test', periodMs: 1000, decide: () => ({ gateways, workers }) };
}

function crowdAt(...arrivals: number[]) {
  return crowdOf(arrivals);
}

function crowdOf(arrivals: readonly number[]) {
  return createCrowd(arrivals, createRandom(testSeed, 'visits'));
}

describe('the simulated shop', () => {
  test('a lone client with one server per tier is happy, and pays for two servers', () => {
    const crowd = crowdAt(100);
    const outcome = simulateShop(crowd, always(1, 1), free);
    expect(outcome).toMatchObject({ clients: 1, unhappy: 0, actions: 0, letDownSeconds: 0 });
    expect(outcome.requests).toBe((crowd.pages[0] ?? 0) + 1);
    expect(outcome.serverSeconds).toBeCloseTo((2 * crowd.endMs) / 1000);
    expect(outcome.cost).toBeCloseTo(outcome.serverSeconds);
  });

  test('of five at once one worker can serve three in time: 60 + 3 × 250 ms', () => {
    const fates = simulateShop(crowdAt(0, 0, 0, 0, 0), always(1, 1), {
      ...free,
      onLost: (tier) => expect(tier).toBe('worker'),
    });
    expect(fates.unhappy).toBeGreaterThanOrEqual(2);
    expect(fates.cost).toBeCloseTo(fates.serverSeconds + 100 * fates.unhappy);
  });

  test('servers that are ordered help only after their boot, and are paid for at once', () => {
    const samples: SecondSample[] = [];
    const crowd = crowdAt(...Array.from({ length: 40 }, (_, index) => index * 250));
    const lostAt: number[] = [];
    const outcome = simulateShop(crowd, always(4, 20), {
      ...free,
      onSecond: (sample) => samples.push(sample),
      onLost: (_tier, now) => lostAt.push(now),
    });
    expect(samples[1]?.workers).toBe(20);
    expect(lostAt.length).toBeGreaterThan(0);
    expect(Math.max(...lostAt)).toBeLessThan(bootMs + 1000);
    expect(outcome.serverSeconds).toBeCloseTo((24 * crowd.endMs) / 1000);
  });

  test('a server that must stop finishes its request, so scaling in loses nobody', () => {
    let looks = 0;
    const seesaw: FleetPolicy = {
      name: 'seesaw',
      periodMs: 130,
      decide: () => ({ gateways: 3, workers: looks++ % 2 === 0 ? 30 : 8 }),
    };
    const crowd = crowdAt(...Array.from({ length: 60 }, (_, index) => 10_000 + index * 400));
    expect(simulateShop(crowd, seesaw, free).unhappy).toBe(0);
  });

  test('a payment that is too slow for the deadline loses every buyer', () => {
    const crowd = crowdAt(0, 20_000, 40_000);
    expect(simulateShop(crowd, always(1, 2), { paymentMs: () => 2000 }).unhappy).toBe(3);
  });

  test('a small database makes more workers useless', () => {
    // 33 requests a second for a database that does 20: no number of workers can help.
    const crowd = crowdOf(Array.from({ length: 300 }, (_, index) => index * 200));
    const lostWith = (workers: number, databaseSlots: number) =>
      simulateShop(crowd, always(4, workers), { ...free, databaseSlots }).unhappy;
    expect(lostWith(60, 1)).toBeGreaterThan(100);
    expect(lostWith(60, 1)).toBeGreaterThan(lostWith(10, 1) * 0.8);
    expect(lostWith(10, 10)).toBeLessThan(30);
  });

  test('the same seed gives the same outcome, another seed another', () => {
    const play = (seed: number) => {
      const policy = ourPolicy(simulatedShopTunables, []);
      return simulateShop(workloadNamed('exponential').crowd(seed), policy, free);
    };
    expect(play(testSeed)).toEqual(play(testSeed));
    expect(play(testSeed)).not.toEqual(play(testSeed + 1));
  });

  test('every policy meets the same crowd, and everybody in it is accounted for', () => {
    for (const workload of workloads) {
      const crowd = workload.crowd(testSeed);
      const arrivals = [...crowd.arrivalMs];
      expect(arrivals).toEqual(arrivals.toSorted((left, right) => left - right));
      expect(crowd.endMs).toBeGreaterThan(arrivals.at(-1) ?? 0);
      expect(crowd.clients).toBeGreaterThan(10);
    }
  });

  test('a million requests are simulated', () => {
    const spacingMs = 40;
    const crowd = crowdOf(Array.from({ length: 155_000 }, (_, index) => index * spacingMs));
    let visits = 0;
    const plenty: FleetPolicy = {
      name: 'plenty',
      periodMs: 250,
      decide: (view: ShopView): FleetSize => {
        visits = view.visitsTotal;
        return { gateways: 15, workers: 60 };
      },
    };
    const outcome = simulateShop(crowd, plenty, { ...free, readyAtStart: 60 });
    expect(outcome.requests).toBeGreaterThan(1_000_000);
    expect(outcome.unhappy).toBe(0);
    expect(visits).toBe(155_000);
  });
});

describe('our policy in the simulated shop', () => {
  test('scheduled floors follow the announced visitors', () => {
    const { announced } = workloadNamed('flash-announced');
    const floors = announcedFloors(announced, simulatedShopTunables);
    // 20 visitors/s × 6.5 requests = 130/s, and room: 34.1 workers at 4/s, 8.8 gateways at 16/s.
    const workers = floors.filter(({ tier }) => tier === 'worker');
    const gateways = floors.filter(({ tier }) => tier === 'gateway');
    expect(workers.at(-1)).toMatchObject({ servers: 35, endsAt: announced?.endsAtMs });
    expect(gateways.at(-1)).toMatchObject({ servers: 9, endsAt: announced?.endsAtMs });
    // A quarter of the first visitors' requests come within an eighth of the longest visit.
    expect(workers[0]).toMatchObject({ servers: 9, startsAt: announced?.startsAtMs });
    const growth = workers.map(({ servers }) => servers);
    expect(growth).toEqual(growth.toSorted((a, b) => a - b));
    expect(announcedFloors(null, simulatedShopTunables)).toEqual([]);
  });

  test('it loses fewer than two in a hundred of a steady crowd after the first ten seconds', () => {
    const late: number[] = [];
    const workload = workloadNamed('exponential');
    const crowd = workload.crowd(testSeed);
    const outcome = simulateShop(crowd, ourPolicy(simulatedShopTunables, []), {
      ...free,
      onLost: (_tier, now) => {
        if (now > 10_000) late.push(now);
      },
    });
    expect(late.length).toBeLessThan(outcome.clients * 0.02);
  });
});

describe('what the simulation is built of', () => {
  test('events come in the order of their times', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e6, noNaN: true })), (times) => {
        const queue = new EventQueue();
        for (const [index, time] of times.entries()) queue.push(time, index);
        const order: number[] = [];
        while (queue.size > 0) order.push(times[queue.pop()] ?? Number.NaN);
        expect(order).toEqual(times.toSorted((left, right) => left - right));
      }),
    );
  });

  test('the line is first in, first out, also when it grows while it turns', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(1e6)), { maxLength: 2000 }), (steps) => {
        const [line, model] = [new WaitingLine(), [] as number[]];
        for (const step of steps) {
          if (step === null) expect(line.shift()).toBe(model.shift() ?? -1);
          else {
            model.push(step);
            line.push(step);
          }
          expect(line.length).toBe(model.length);
        }
      }),
    );
  });
});
