import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { desiredServers } from './desired-servers.ts';
import { desiredWorkers, type WorkerDemand } from './desired-workers.ts';

const tunables = {
  spareSigmas: 0,
  spareServers: 0,
  allowedWaitMs: 250,
  drainMs: 2000,
  ageAlarmMs: 2000,
  workingShareMin: 0.5,
};
const calm: WorkerDemand = {
  arrivalsPerSecond: 100,
  backlog: 0,
  oldestAgeMs: 0,
  readyWorkers: 2,
  ratePerWorker: 50,
  bootMs: 400,
  busyShare: 1,
};

describe('the workers that we would like', () => {
  test('arrivals ÷ rate per worker', () => {
    expect(desiredWorkers(calm, tunables).servers).toBe(2);
  });

  test('spare capacity grows with the root of the arrivals', () => {
    const spare = { ...tunables, spareSigmas: 1 };
    expect(desiredWorkers(calm, spare).servers).toBeCloseTo(110 / 50);
    expect(desiredWorkers({ ...calm, arrivalsPerSecond: 10_000 }, spare).servers).toBeCloseTo(202);
  });

  test('a backlog beyond the allowed one is worked off within the drain time', () => {
    // 2 workers × 50/s × 250 ms = 25 are allowed; 200 more in 2 s are 100 a second.
    const recommendation = desiredWorkers({ ...calm, backlog: 225 }, tunables);
    expect(recommendation.servers).toBeCloseTo((100 + 100) / 50);
    expect(recommendation.why).toContain('200 of 225 waiting to catch up in 2 s');
  });

  test('a backlog that is gone before a new worker is ready asks for none', () => {
    const idle = { ...calm, arrivalsPerSecond: 10, backlog: 300, bootMs: 5000 };
    expect(desiredWorkers(idle, tunables).servers).toBeCloseTo(10 / 50);
  });

  test('an old checkout overrides figures that are too good to be true', () => {
    const recommendation = desiredWorkers({ ...calm, oldestAgeMs: 3000 }, tunables);
    expect(recommendation.servers).toBeCloseTo(2 * 1.5);
    expect(recommendation.why).toContain('the oldest has waited 3 s');
    expect(desiredWorkers({ ...calm, oldestAgeMs: 1e9 }, tunables).servers).toBe(4);
  });

  test('workers that have time while work waits are enough, however much waits', () => {
    const stuck = { ...calm, backlog: 10_000, oldestAgeMs: 30_000, busyShare: 0.25 };
    const recommendation = desiredWorkers(stuck, tunables);
    expect(recommendation.servers).toBe(2);
    expect(recommendation.why).toContain('workers work 25 % of their time, so no more');
    expect(desiredWorkers({ ...stuck, busyShare: 0.6 }, tunables).servers).toBeGreaterThan(2);
    expect(desiredWorkers({ ...stuck, readyWorkers: 0 }, tunables).servers).toBeGreaterThan(2);
  });

  test('more backlog never asks for fewer', () => {
    const demand = fc.record({
      arrivalsPerSecond: fc.double({ min: 0, max: 1e5, noNaN: true }),
      oldestAgeMs: fc.nat(600_000),
      busyShare: fc.double({ min: 0, max: 1, noNaN: true }),
      readyWorkers: fc.nat(50),
      ratePerWorker: fc.double({ min: 0.01, max: 1e4, noNaN: true }),
      bootMs: fc.nat(60_000),
    });
    fc.assert(
      fc.property(demand, fc.nat(1e6), fc.nat(1e6), (rest, backlog, more) => {
        const fewer = desiredWorkers({ ...rest, backlog }, tunables).servers;
        const withMore = desiredWorkers({ ...rest, backlog: backlog + more }, tunables).servers;
        expect(withMore).toBeGreaterThanOrEqual(fewer);
      }),
    );
  });
});

describe('the request servers that we would like', () => {
  const server = { spareSigmas: 0, spareServers: 0, utilizationTarget: 0.5, utilizationFull: 0.95 };
  const demand = {
    requestsPerSecond: 1000,
    readyServers: 1,
    requestsPerBusySecond: 1000,
    utilization: 0.2,
  };

  test('so many that their event loops are as busy as they may be', () => {
    expect(desiredServers(demand, server).servers).toBe(2);
  });

  test('busy for other reasons than requests counts too', () => {
    const busy = { ...demand, requestsPerSecond: 1, readyServers: 3, utilization: 0.8 };
    expect(desiredServers(busy, server).servers).toBeCloseTo(4.8);
  });

  test('a full tier that seems to need no more grows all the same', () => {
    const full = { ...demand, requestsPerSecond: 1000, readyServers: 4, utilization: 0.99 };
    const recommendation = desiredServers(full, server);
    expect(recommendation.servers).toBeGreaterThanOrEqual(6);
    expect(recommendation.why).toContain('99 % busy');
  });
});
