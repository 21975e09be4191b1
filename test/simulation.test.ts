/**
 * The purchase protocol, proven by simulation: the real code of a purchase in the gateway, the
 * intake and outcome board of the orders service, and the worker, on simulated machines, network,
 * storage and time. `test/simulation/` is how it works.
 *
 *   npm test -- simulation                            as in CI: the first seeds
 *   DOORBUSTER_HISTORIES=50000 npm test -- simulation more of them
 *   SEED=123 npm test -- simulation                   one seed again, traced event by event
 */
import { describe, expect, it } from 'vitest';
import { describeViolations } from '../eval/history/violation.ts';
import { leaseTooShort, plantedBugs } from './simulation/planted-bugs.ts';
import {
  describeBroken,
  simulatePurchases,
  simulateSeed,
} from './simulation/simulate-purchases.ts';

const onlySeed = process.env['SEED'];
const seeds = Number(process.env['DOORBUSTER_HISTORIES'] ?? 2_000);
const timeoutMs = Math.max(60_000, seeds * 100);

// One history alone, with its trace: `SEED=17`.
describe.runIf(onlySeed !== undefined)(`seed ${onlySeed}`, () => {
  it('keeps every promise', async () => {
    const { trace, violations, scenario } = await simulateSeed(Number(onlySeed), {}, true);
    console.log(`${trace.join('\n')}\n${JSON.stringify(scenario, null, 1)}`);
    expect(describeViolations(violations)).toBe('');
  });
});

// Not beside one history alone.
describe.runIf(onlySeed === undefined)('the purchase protocol', () => {
  it(
    'keeps every promise in every history',
    async () => {
      const report = await simulatePurchases({ firstSeed: 1, seeds });
      const broken = report.broken.slice(0, 3).map((each) => describeBroken(each));
      expect(broken.join('\n\n')).toBe('');
      expect(report.seeds).toBe(seeds);
      // a simulation in which nothing happens proves nothing
      expect(report.placed).toBeGreaterThan(3 * seeds);
      expect(report.rejected).toBeGreaterThan(3 * seeds);
      expect(report.crashes).toBeGreaterThan(seeds);
    },
    timeoutMs,
  );

  it('takes the same course from the same seed', async () => {
    for (const seed of [3, 14, 15]) {
      const first = await simulateSeed(seed, {}, true);
      const again = await simulateSeed(seed, {}, true);
      expect(first.trace.length).toBeGreaterThan(10);
      expect(again.trace).toEqual(first.trace);
      expect(again.figures).toEqual(first.figures);
    }
  });

  it('rests no promise on leases: they only save work, since decisions are fenced', {
    timeout: timeoutMs,
  }, async () => {
    let troubled = 0;
    const broken: string[] = [];
    await simulatePurchases({
      firstSeed: 1,
      seeds: 300,
      mutation: leaseTooShort,
      onSeed: (seed, { scenario, violations }) => {
        if (scenario.mode !== 'troubled') return;
        troubled += 1;
        if (violations.length > 0) broken.push(describeBroken({ seed, violations }));
      },
    });
    expect(broken).toEqual([]);
    expect(troubled).toBeGreaterThan(150);
  });

  it('keeps its promises over a whole day of random faults', async () => {
    const report = await simulatePurchases({ firstSeed: 1, seeds: 3, hours: 24 });
    expect(report.broken.map((each) => describeBroken(each, 24)).join('\n\n')).toBe('');
    expect(report.simulatedHours).toBeGreaterThanOrEqual(72);
  });
});

// Not beside one history alone.
describe.runIf(onlySeed === undefined)('a planted bug is found', () => {
  it.each(plantedBugs)('$name', async ({ mutation, seedsMax }) => {
    const report = await simulatePurchases({
      firstSeed: 1,
      seeds: seedsMax,
      mutation,
      untilBroken: true,
    });
    expect(report.broken).not.toEqual([]);
  });
});
