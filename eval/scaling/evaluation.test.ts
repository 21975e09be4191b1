import { describe, expect, test } from 'vitest';
import { kedaDefaultNames, oracleName, oursName } from './contestants.ts';
import { evaluateSeed, type SeedResults } from './evaluation.ts';
import { judge } from './promises.ts';
import { htmlReport } from './report-html.ts';
import { markdownReport } from './report-markdown.ts';
import {
  evaluationSeedFirst,
  evaluationSeeds,
  seedsFrom,
  tuningSeedFirst,
  tuningSeedLast,
} from './seeds.ts';
import type { Outcome } from './shop-simulation.ts';
import { policyNamed, spreadOf, summarize } from './summary.ts';

const testSeeds = seedsFrom(9001, 3);

function outcome(unhappy: number, serverSeconds: number): Outcome {
  const cost = serverSeconds + 100 * unhappy;
  return { clients: 10, requests: 50, unhappy, serverSeconds, cost, letDownSeconds: 0, actions: 0 };
}

/** One crowd of an unannounced flash sale with made-up results. */
function flash(ours: Outcome, other: Outcome, kedas: Outcome, oracle: Outcome): SeedResults {
  const results = [
    { policy: oursName, outcome: ours },
    { policy: 'fixed 3', outcome: other },
    ...kedaDefaultNames.map((policy) => ({ policy, outcome: kedas })),
    { policy: oracleName, outcome: oracle },
  ];
  return { workload: 'flash', seed: 1, results };
}

describe('the verdict', () => {
  test('all kept when ours is cheapest and far below KEDA', () => {
    const one = flash(outcome(1, 100), outcome(0, 900), outcome(9, 50), outcome(0, 90));
    expect(judge(summarize('flash', [one])).map((each) => each.kept)).toEqual([
      true,
      true,
      true,
      true,
    ]);
  });

  test('short when an opponent is better in both parts, or KEDA is too near', () => {
    const one = flash(outcome(2, 100), outcome(1, 90), outcome(3, 60), outcome(0, 90));
    const verdicts = judge(summarize('flash', [one]));
    expect(verdicts.map((each) => each.kept)).toEqual([false, false, false, false]);
    expect(verdicts[0]?.figures).toContain('fixed 3');
  });
});

describe('the evaluation', () => {
  test('no seed is both for tuning and for evaluating', () => {
    const evaluated = seedsFrom(evaluationSeedFirst, evaluationSeeds);
    expect(evaluated).toHaveLength(100);
    expect(evaluated.some((seed) => seed >= tuningSeedFirst && seed <= tuningSeedLast)).toBe(false);
  });

  test('on crowds of the course ours is cheapest of those that do not see the future', () => {
    const all = testSeeds.flatMap((seed) => evaluateSeed(['constant', 'chained'], seed));
    for (const name of ['constant', 'chained']) {
      const summary = summarize(name, all);
      expect(summary.policies[0]?.policy).toBe(oracleName);
      expect(summary.policies[1]?.policy).toBe(oursName);
      expect(policyNamed(summary, oursName).timesOracle).toBeLessThan(1.8);
    }
  });

  test('reports carry every contestant, and the page needs nothing from elsewhere', () => {
    const all = evaluateSeed(['uniform'], testSeeds[0] ?? 0);
    const summaries = [summarize('uniform', all)];
    const facts = {
      seedFirst: 9001,
      seedLast: 9001,
      tuningSeedLast,
      requests: 1e6,
      wallSeconds: 1,
    };
    const [markdown, html] = [markdownReport(summaries, facts), htmlReport(summaries, facts)];
    for (const { policy } of summaries[0]?.policies ?? []) {
      expect(markdown).toContain(policy);
      expect(html).toContain(policy);
    }
    expect(html.match(/<svg viewBox/g)).toHaveLength(4);
    expect(html).not.toMatch(/(?:src|href)=|NaN|undefined|Infinity/);
  });

  test('a spread has a mean, its error and its percentiles', () => {
    const spread = spreadOf(seedsFrom(0, 101));
    expect(spread).toMatchObject({ mean: 50, low: 5, high: 95 });
    expect(spread.meanError).toBeCloseTo((1.96 * 29.3) / Math.sqrt(101), 1);
  });
});
