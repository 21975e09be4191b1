import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ScalingDecision, stepScaling } from './scaling-controller.ts';
import type { ScalingObservation, WorkerObservation } from './scaling-observation.ts';
import { initialScalingState, type ScalingState } from './scaling-state.ts';
import { defaultScalingTunables as tunables } from './scaling-tunables.ts';
import type { ScheduledFloor } from './scheduled-floor.ts';

const stepMs = 250;
const ratePerWorker = 50;
const bootMs = 400;

/** Numbers in [0, 1) from a seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let z = Math.imul(state ^ (state >>> 15), 1 | state);
    z = (z + Math.imul(z ^ (z >>> 7), 61 | z)) ^ z;
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}

function poisson(mean: number, next: () => number): number {
  let [count, product] = [-1, 1];
  const limit = Math.exp(-mean);
  while (product > limit) {
    product *= next();
    count++;
  }
  return count;
}

interface Moment {
  readonly at: number;
  readonly ready: number;
  readonly target: number;
  readonly backlog: number;
  readonly decisions: readonly ScalingDecision[];
}

interface Play {
  readonly seconds: number;
  readonly arrivalsPerSecond: (second: number) => number;
  readonly seed?: number;
  readonly floors?: readonly ScheduledFloor[];
  /** All workers together do no more than this. */
  readonly bottleneckPerSecond?: number;
}

/** The controller in a closed loop with a fleet of workers that boot and work at fixed rates. */
function play({ seconds, arrivalsPerSecond, seed, floors, bottleneckPerSecond }: Play): Moment[] {
  const next = seeded(seed ?? 0);
  let state: ScalingState = initialScalingState(tunables);
  let [ready, backlog, arrived, done, busyMs] = [1, 0, 0, 0, 0];
  let boots: number[] = [];
  const moments: Moment[] = [];
  for (let now = 0; now <= seconds * 1000; now += stepMs) {
    const booted = boots.filter((order) => now - order >= bootMs);
    boots = boots.filter((order) => now - order < bootMs);
    ready += booted.length;
    const mean = (arrivalsPerSecond(now / 1000) * stepMs) / 1000;
    const came = seed === undefined ? Math.round(mean) : poisson(mean, next);
    const able = Math.min(ready * ratePerWorker, bottleneckPerSecond ?? Number.POSITIVE_INFINITY);
    const worked = Math.min(backlog + came, (able * stepMs) / 1000);
    arrived += came;
    done += worked;
    busyMs += able === 0 ? 0 : (worked / able) * 1000 * ready;
    backlog += came - worked;
    const worker: WorkerObservation = {
      ready,
      booting: boots.length,
      bootsMs: booted.map(() => bootMs),
      busyMsTotal: busyMs,
      arrivedTotal: arrived,
      doneTotal: done,
      backlog,
      oldestAgeMs: able === 0 ? 0 : (backlog / able) * 1000,
      batchFullness: 1,
      busyShare: 1,
    };
    const step = stepScaling(state, onlyWorkers(worker), floors ?? [], tunables, now);
    state = step.state;
    const target = step.decisions[0]?.to ?? ready + boots.length;
    moments.push({ at: now, ready, target, backlog, decisions: step.decisions });
    while (ready + boots.length < target) boots.push(now);
    const surplus = ready + boots.length - target;
    const cancelled = Math.min(surplus, boots.length);
    boots.splice(boots.length - cancelled, Math.max(0, cancelled));
    ready -= Math.max(0, surplus - cancelled);
  }
  return moments;
}

function onlyWorkers(worker: WorkerObservation): ScalingObservation {
  return { worker, gateway: null, storefront: null, catalog: null };
}

function targetAt(moments: readonly Moment[], second: number): number {
  return moments.find((moment) => moment.at === second * 1000)?.target ?? Number.NaN;
}

/** How often the direction of scaling turned within the fullest minute. */
function reversalsPerMinuteMax(moments: readonly Moment[]): number {
  const turns: number[] = [];
  let direction = 0;
  for (const { at, decisions } of moments) {
    for (const { from, to } of decisions) {
      const turned = Math.sign(to - from);
      if (direction !== 0 && turned !== direction) turns.push(at);
      direction = turned;
    }
  }
  return Math.max(0, ...turns.map((at) => turns.filter((t) => t >= at && t < at + 60_000).length));
}

describe('the controller in a closed loop', () => {
  test('after a step there are enough workers within 2 s and no backlog within 10', () => {
    const step = play({
      seconds: 75,
      arrivalsPerSecond: (second) => (second < 60 ? 10 : 350),
    });
    expect(targetAt(step, 59)).toBe(1);
    expect(targetAt(step, 62)).toBeGreaterThanOrEqual(7);
    expect(step.find((moment) => moment.at === 70_000)?.backlog).toBeLessThan(350 * 0.5);
  });

  test('down only after the window, and to the minimum within 90 s of silence', () => {
    const rush = play({ seconds: 200, arrivalsPerSecond: (second) => (second < 100 ? 300 : 0) });
    const busy = targetAt(rush, 99);
    expect(busy).toBeGreaterThanOrEqual(6);
    for (let second = 100; second < 159; second++) expect(targetAt(rush, second)).toBe(busy);
    expect(targetAt(rush, 190)).toBe(tunables.worker.serversMin);
  });

  test('under steady noise fewer than two reversals a minute', () => {
    fc.assert(
      fc.property(fc.integer(), fc.double({ min: 1, max: 350, noNaN: true }), (seed, rate) => {
        const noisy = play({ seconds: 600, arrivalsPerSecond: () => rate, seed });
        expect(reversalsPerMinuteMax(noisy.slice(60 * 4))).toBeLessThan(2);
      }),
      { numRuns: 40 },
    );
  });

  test('it finds the rate of a worker, and enough but not twice too many workers', () => {
    fc.assert(
      fc.property(fc.integer(), fc.double({ min: 60, max: 350, noNaN: true }), (seed, rate) => {
        const calm = play({ seconds: 120, arrivalsPerSecond: () => rate, seed });
        expect(targetAt(calm, 120) * ratePerWorker).toBeGreaterThan(rate);
        expect(targetAt(calm, 120)).toBeLessThanOrEqual(
          Math.ceil((1.4 * rate) / ratePerWorker) + 1,
        );
      }),
      { numRuns: 30 },
    );
  });

  test('more workers are not added where they stopped helping', () => {
    const bound = play({ seconds: 60, arrivalsPerSecond: () => 300, bottleneckPerSecond: 100 });
    const late = bound.filter((moment) => moment.at > 30_000);
    expect(Math.max(...late.map((moment) => moment.target))).toBeLessThan(
      tunables.worker.serversMax,
    );
    expect(late.flatMap((moment) => moment.decisions.map((each) => each.why)).join()).not.toContain(
      'would help',
    );
  });

  test('the same observations give the same decisions', () => {
    const once = play({ seconds: 60, arrivalsPerSecond: () => 120, seed: 7 });
    const again = play({ seconds: 60, arrivalsPerSecond: () => 120, seed: 7 });
    expect(again).toEqual(once);
  });
});

describe('scheduled floors', () => {
  const sale = { tier: 'worker', servers: 5, startsAt: 30_000, endsAt: 40_000, name: 'the drop' };

  test('servers are ready when the doors open, and go when the floor ends', () => {
    const quiet = play({ seconds: 60, arrivalsPerSecond: () => 1, floors: [sale] });
    expect(targetAt(quiet, 28)).toBe(1);
    expect(quiet.find((moment) => moment.at === 30_000)?.ready).toBe(5);
    expect(targetAt(quiet, 39)).toBe(5);
    expect(targetAt(quiet, 41)).toBe(1);
    const opening = quiet.flatMap((moment) => moment.decisions).find((each) => each.to === 5);
    expect(opening?.why).toContain('the drop asks for at least 5');
  });

  test('slower boots that were observed make the order earlier', () => {
    const observation = onlyWorkers({ ...idleWorker, bootsMs: [8000] });
    const known = stepScaling(initialScalingState(tunables), observation, [], tunables, 0).state;
    const ordered = (now: number) =>
      stepScaling(known, onlyWorkers(idleWorker), [sale], tunables, now).decisions.length;
    expect(ordered(19_750)).toBe(0);
    expect(ordered(20_250)).toBe(1);
  });
});

const idleWorker: WorkerObservation = {
  ready: 1,
  booting: 0,
  bootsMs: [],
  busyMsTotal: 0,
  arrivedTotal: 0,
  doneTotal: 0,
  backlog: 0,
  oldestAgeMs: 0,
  batchFullness: 1,
  busyShare: 1,
};

const anyFleet = {
  ready: fc.nat(12),
  booting: fc.nat(6),
  bootsMs: fc.array(fc.nat(20_000), { maxLength: 2 }),
  busyMsTotal: fc.nat(1e6),
  arrivedTotal: fc.nat(1e6),
  doneTotal: fc.nat(1e6),
};
const anyWorker = fc.record({
  ...anyFleet,
  backlog: fc.nat(1e6),
  oldestAgeMs: fc.nat(1e6),
  batchFullness: fc.double({ min: 0, max: 1, noNaN: true }),
  busyShare: fc.double({ min: 0, max: 1, noNaN: true }),
});
const anyServer = fc.option(fc.record(anyFleet));
const anyObservation = fc.record({
  worker: fc.option(anyWorker),
  gateway: anyServer,
  storefront: anyServer,
  catalog: anyServer,
});

describe('whatever is observed', () => {
  test('targets stay within bounds and unobserved tiers are left alone', () => {
    fc.assert(
      fc.property(fc.array(anyObservation, { minLength: 1, maxLength: 30 }), (observations) => {
        let state = initialScalingState(tunables);
        observations.forEach((observation, index) => {
          const step = stepScaling(state, observation, [], tunables, index * stepMs);
          state = step.state;
          for (const { tier, from, to, why } of step.decisions) {
            const bounds = tier === 'worker' ? tunables.worker : tunables.servers[tier];
            const fleet = observation[tier];
            expect(fleet).not.toBeNull();
            expect(from).toBe((fleet?.ready ?? 0) + (fleet?.booting ?? 0));
            expect(Number.isInteger(to)).toBe(true);
            expect(to).toBeGreaterThanOrEqual(bounds.serversMin);
            expect(to).toBeLessThanOrEqual(bounds.serversMax);
            expect(why).toMatch(/^\w+ \d+ → \d+: .*\d/);
          }
        });
      }),
    );
  });

  test('more backlog never gives fewer workers', () => {
    fc.assert(
      fc.property(
        fc.array(anyObservation, { maxLength: 10 }),
        anyWorker,
        fc.nat(1e6),
        (earlier, worker, more) => {
          let state = initialScalingState(tunables);
          earlier.forEach((observation, index) => {
            state = stepScaling(state, observation, [], tunables, index * stepMs).state;
          });
          const now = earlier.length * stepMs;
          const targetWith = (backlog: number) => {
            const seen = onlyWorkers({ ...worker, backlog });
            const [decision] = stepScaling(state, seen, [], tunables, now).decisions;
            return decision?.to ?? worker.ready + worker.booting;
          };
          expect(targetWith(worker.backlog + more)).toBeGreaterThanOrEqual(
            targetWith(worker.backlog),
          );
        },
      ),
    );
  });

  test('the state is plain data that survives a restart of the master', () => {
    let state = initialScalingState(tunables);
    for (let now = 0; now < 5000; now += stepMs) {
      const worker = { ...idleWorker, arrivedTotal: now, doneTotal: now, busyMsTotal: now / 2 };
      state = stepScaling(state, onlyWorkers(worker), [], tunables, now).state;
    }
    expect(JSON.parse(JSON.stringify(state))).toEqual(state);
  });

  test('work that never ends asks for all that is allowed, not for more', () => {
    let state = initialScalingState(tunables);
    let target = 0;
    for (let step = 0; step < 4000; step++) {
      const now = step * stepMs;
      const stuck = { arrivedTotal: step * 10, busyMsTotal: step * 1000, backlog: step * 10 };
      const seen = onlyWorkers({ ...idleWorker, ready: 4, ...stuck });
      const outcome = stepScaling(state, seen, [], tunables, now);
      state = outcome.state;
      target = outcome.decisions[0]?.to ?? 4;
    }
    expect(target).toBe(tunables.worker.serversMax);
    expect(JSON.parse(JSON.stringify(state))).toEqual(state);
  });

  test('a worker that died is ordered again', () => {
    const state = initialScalingState(tunables);
    const gone = stepScaling(state, onlyWorkers({ ...idleWorker, ready: 0 }), [], tunables, 0);
    expect(gone.decisions).toMatchObject([{ tier: 'worker', from: 0, to: 1 }]);
  });
});
