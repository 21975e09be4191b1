/** Every contestant meets the crowd of every seed; here is what came of it. */
import { createContestants, oracleName } from './contestants.ts';
import { playOracle } from './opponents/oracle.ts';
import { type Outcome, simulateShop } from './shop-simulation.ts';
import { type Workload, workloadNamed } from './workload.ts';

export interface Result {
  readonly policy: string;
  readonly outcome: Outcome;
}

export interface SeedResults {
  readonly workload: string;
  readonly seed: number;
  readonly results: readonly Result[];
}

/** All contestants and the oracle against the crowds of one seed. */
export function evaluateSeed(workloadNames: readonly string[], seed: number): SeedResults[] {
  // Announced or not, it is the same crowd, and foresight needs no announcement.
  const foreseen = new Map<Workload['crowd'], Outcome>();
  return workloadNames.map((name) => {
    const workload = workloadNamed(name);
    const crowd = workload.crowd(seed);
    const options = { paymentMs: workload.paymentMs };
    const results = createContestants(workload).map((policy) => ({
      policy: policy.name,
      outcome: simulateShop(crowd, policy, options),
    }));
    const plan = foreseen.get(workload.crowd) ?? playOracle(crowd, options);
    foreseen.set(workload.crowd, plan);
    // Where somebody was cheaper than the plan, the oracle copies it: it may know that as well.
    const outcomes = [plan, ...results.map((result) => result.outcome)];
    const outcome = outcomes.reduce((best, each) => (each.cost < best.cost ? each : best));
    return { workload: name, seed, results: [...results, { policy: oracleName, outcome }] };
  });
}
