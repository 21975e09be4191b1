/** What our policy promises in the simulator, judged on a summary: kept or broken, with figures. */
import { kedaDefaultNames, oracleName, oursName } from './contestants.ts';
import { policyNamed, type WorkloadSummary } from './summary.ts';

export interface PromiseVerdict {
  readonly workload: string;
  readonly promise: string;
  readonly kept: boolean;
  readonly figures: string;
}

/** The most that we may cost, in times the oracle's mean cost. */
const timesOracleMax: Readonly<Record<string, number>> = {
  constant: 1.6,
  uniform: 1.6,
  exponential: 1.6,
  chained: 1.6,
  day: 1.4,
  'flash-announced': 1.2,
};

/** KEDA's defaults cost at least this many times as much on an unannounced flash sale. */
const kedaTimesMin = 3;

export function judge(summary: WorkloadSummary): PromiseVerdict[] {
  const verdicts = [notBeatenInBoth(summary), cheapestCausal(summary)];
  const atMost = timesOracleMax[summary.workload];
  if (atMost !== undefined) verdicts.push(nearOracle(summary, atMost));
  if (summary.workload === 'flash') {
    verdicts.push(...kedaDefaultNames.map((name) => cheaperThan(summary, name, kedaTimesMin)));
  }
  return verdicts;
}

function causalOpponents(summary: WorkloadSummary) {
  return summary.policies.filter((each) => each.policy !== oursName && each.policy !== oracleName);
}

function notBeatenInBoth(summary: WorkloadSummary): PromiseVerdict {
  const ours = policyNamed(summary, oursName);
  const better = causalOpponents(summary).filter(
    (each) =>
      each.unhappy.mean <= ours.unhappy.mean &&
      each.serverSeconds.mean <= ours.serverSeconds.mean &&
      each.cost.mean < ours.cost.mean,
  );
  return {
    workload: summary.workload,
    promise: 'no opponent has both fewer unhappy clients and fewer server-seconds',
    kept: better.length === 0,
    figures:
      better.length === 0
        ? `${round(ours.unhappy.mean)} unhappy, ${round(ours.serverSeconds.mean)} server-seconds`
        : `better in both: ${better.map((each) => each.policy).join(', ')}`,
  };
}

function cheapestCausal(summary: WorkloadSummary): PromiseVerdict {
  const ours = policyNamed(summary, oursName);
  const [next] = causalOpponents(summary);
  const nextCost = next?.cost.mean ?? Number.POSITIVE_INFINITY;
  return {
    workload: summary.workload,
    promise: 'lowest mean cost of all policies that do not see the future',
    kept: ours.cost.mean < nextCost,
    figures: `${round(ours.cost.mean)}, the best opponent (${next?.policy}) ${round(nextCost)}`,
  };
}

function nearOracle(summary: WorkloadSummary, atMost: number): PromiseVerdict {
  const { timesOracle, timesOraclePerSeed } = policyNamed(summary, oursName);
  return {
    workload: summary.workload,
    promise: `at most ${atMost} × the oracle's cost`,
    kept: timesOracle <= atMost,
    figures:
      `${timesOracle.toFixed(2)} × ` +
      `(per crowd ${timesOraclePerSeed.low.toFixed(2)} to ${timesOraclePerSeed.high.toFixed(2)})`,
  };
}

function cheaperThan(summary: WorkloadSummary, name: string, times: number): PromiseVerdict {
  const ratio = policyNamed(summary, name).cost.mean / policyNamed(summary, oursName).cost.mean;
  return {
    workload: summary.workload,
    promise: `at least ${times} × cheaper than ${name}`,
    kept: ratio >= times,
    figures: `${ratio.toFixed(2)} × cheaper`,
  };
}

function round(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toFixed(1);
}
