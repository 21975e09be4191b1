import type { FleetPolicy } from '../fleet-policy.ts';
import { databaseMs, intakeMs, processingMs } from '../shop-simulation.ts';

/**
 * A fleet of a fixed size, ordered at the start. It gets as many gateways as its workers can use:
 * with fewer or more the same workers would only look worse.
 */
export function fixedFleet(workers: number): FleetPolicy {
  const gateways = Math.ceil((workers * intakeMs) / (processingMs + databaseMs));
  const size = { gateways, workers };
  return { name: `fixed ${workers}`, periodMs: Number.POSITIVE_INFINITY, decide: () => size };
}
