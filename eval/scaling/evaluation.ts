/** Every contestant meets the crowd of every seed; here is what came of it. */
import { createContestants, oracleName } from './contestants.ts';
import { playOracle } from './opponents/oracle.ts';
import { type Outcome, simulateShop } from './shop-simulation.ts';
import { workloadNamed } from './workload.ts';

export interface Result {
  readonly policy: string;
  readonly outcome: Outcome;
}

export interface SeedResults {
  readonly workload: string;
  readonly seed: number;
  readonly results: readonly Result[];
}

/** All contestants and the oracle against one crowd. */
export function evaluateSeed(workloadName: string, seed: number): SeedResults {
  const workload = workloadNamed(workloadName);
  const crowd = workload.crowd(seed);
  const options = { paymentMs: workload.paymentMs };
  const results = createContestants(workload).map((policy) => ({
    policy: policy.name,
    outcome: simulateShop(crowd, policy, options),
  }));
  const outcomes = results.map((result) => result.outcome);
  const oracle = { policy: oracleName, outcome: playOracle(crowd, options, outcomes) };
  return { workload: workloadName, seed, results: [...results, oracle] };
}
