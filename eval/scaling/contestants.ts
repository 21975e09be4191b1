/** Everyone who takes part, fresh for every run: policies remember. */
import type { FleetPolicy } from './fleet-policy.ts';
import { dropsAndPolls, queuePerServer, twoLongQueues } from './opponents/course-rules.ts';
import { fixedFleet } from './opponents/fixed-fleet.ts';
import { keda, kedaSettings } from './opponents/kubernetes.ts';
import { targetTracking } from './opponents/target-tracking.ts';
import { announcedFloors, ourPolicy, simulatedShopTunables } from './our-policy.ts';
import type { Workload } from './workload.ts';

export const oursName = 'doorbuster';
export const oracleName = 'oracle';
/** Those that change nothing about KEDA; the tuned one is an opponent too, but no default. */
export const kedaDefaultNames: readonly string[] = ['KEDA, fresh queue', 'KEDA, 30 s poll'];

const fixedWorkersMax = 12;

/** All causal policies for one run: none of them sees the future. */
export function createContestants(workload: Workload): FleetPolicy[] {
  const floors = announcedFloors(workload.announced, simulatedShopTunables);
  const fixed = Array.from({ length: fixedWorkersMax }, (_, index) => fixedFleet(index + 1));
  return [
    ourPolicy(simulatedShopTunables, floors),
    queuePerServer(3.0, 2300),
    dropsAndPolls(5, 3, 3),
    twoLongQueues(3),
    ...kedaSettings.map(keda),
    targetTracking(),
    ...fixed,
  ];
}
