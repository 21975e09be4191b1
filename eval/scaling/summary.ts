/** From the results of many seeds to the figures of a table, with their spread. */
import { oracleName } from './contestants.ts';
import type { SeedResults } from './evaluation.ts';
import type { Outcome } from './shop-simulation.ts';

export interface PolicySummary {
  readonly policy: string;
  readonly cost: Spread;
  readonly unhappy: Spread;
  readonly serverSeconds: Spread;
  readonly letDownSeconds: Spread;
  readonly actions: Spread;
  /** Mean cost ÷ the oracle's mean cost. */
  readonly timesOracle: number;
  /** The same ratio crowd by crowd. */
  readonly timesOraclePerSeed: Spread;
}

export interface WorkloadSummary {
  readonly workload: string;
  readonly seeds: number;
  readonly clients: Spread;
  readonly requests: number;
  /** Cheapest first. */
  readonly policies: readonly PolicySummary[];
}

export interface Spread {
  readonly mean: number;
  /** Half the width of the 95 % confidence interval of the mean (normal approximation). */
  readonly meanError: number;
  readonly low: number;
  readonly high: number;
}

/** Mean, its error, and the 5th and 95th percentile. */
export function spreadOf(values: readonly number[]): Spread {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const deviation = count > 1 ? Math.sqrt(squares / (count - 1)) : 0;
  const sorted = values.toSorted((left, right) => left - right);
  return {
    mean,
    meanError: (1.96 * deviation) / Math.sqrt(count),
    low: quantile(sorted, 0.05),
    high: quantile(sorted, 0.95),
  };
}

function quantile(sorted: readonly number[], share: number): number {
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)] ?? 0;
  const above = sorted[Math.ceil(place)] ?? below;
  return below + (above - below) * (place - Math.floor(place));
}

export function summarize(workload: string, all: readonly SeedResults[]): WorkloadSummary {
  const mine = all.filter((each) => each.workload === workload);
  const outcomes = new Map<string, Outcome[]>();
  for (const { results } of mine) {
    for (const { policy, outcome } of results) {
      const known = outcomes.get(policy) ?? [];
      known.push(outcome);
      outcomes.set(policy, known);
    }
  }
  const oracle = outcomes.get(oracleName) ?? [];
  const oracleMean = spreadOf(oracle.map((outcome) => outcome.cost)).mean;
  const policies = [...outcomes].map(([policy, list]): PolicySummary => {
    const spread = (figure: (outcome: Outcome) => number) => spreadOf(list.map(figure));
    const cost = spread((outcome) => outcome.cost);
    return {
      policy,
      cost,
      unhappy: spread((outcome) => outcome.unhappy),
      serverSeconds: spread((outcome) => outcome.serverSeconds),
      letDownSeconds: spread((outcome) => outcome.letDownSeconds),
      actions: spread((outcome) => outcome.actions),
      timesOracle: cost.mean / oracleMean,
      timesOraclePerSeed: spreadOf(
        list.map((outcome, index) => outcome.cost / (oracle[index]?.cost ?? Number.NaN)),
      ),
    };
  });
  policies.sort((left, right) => left.cost.mean - right.cost.mean);
  return {
    workload,
    seeds: mine.length,
    clients: spreadOf(oracle.map((outcome) => outcome.clients)),
    requests: mine.reduce((sum, { results }) => sum + requestsOf(results), 0),
    policies,
  };
}

function requestsOf(results: SeedResults['results']): number {
  return results.reduce((sum, { outcome }) => sum + outcome.requests, 0);
}

export function policyNamed(summary: WorkloadSummary, name: string): PolicySummary {
  const found = summary.policies.find((each) => each.policy === name);
  if (found === undefined) throw new RangeError(`${name} did not take part`);
  return found;
}
