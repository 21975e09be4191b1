/** One crowd in detail: what some contestants had running, second by second. */
import { createContestants } from './contestants.ts';
import { type SecondSample, simulateShop } from './shop-simulation.ts';
import { workloadNamed } from './workload.ts';

export interface Timeline {
  readonly policy: string;
  readonly samples: readonly SecondSample[];
}

export function timelines(
  workloadName: string,
  seed: number,
  names: readonly string[],
): Timeline[] {
  const workload = workloadNamed(workloadName);
  const crowd = workload.crowd(seed);
  const found: Timeline[] = [];
  for (const policy of createContestants(workload)) {
    if (!names.includes(policy.name)) continue;
    const samples: SecondSample[] = [];
    const onSecond = (sample: SecondSample) => samples.push(sample);
    simulateShop(crowd, policy, { paymentMs: workload.paymentMs, onSecond });
    found.push({ policy: policy.name, samples });
  }
  return found;
}
