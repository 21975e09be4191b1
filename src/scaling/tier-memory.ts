import { type BootTime, recordBoots, unknownBootTime } from './boot-time.ts';
import { type CountHistory, emptyCountHistory, recordCount } from './count-history.ts';
import type { FleetObservation } from './scaling-observation.ts';
import { initialServiceRate, recordWork, type ServiceRate } from './service-rate.ts';
import type { StabilizationWindow } from './stabilization-window.ts';

/** What the controller remembers of one tier between two steps. Plain data. */
export interface TierMemory {
  readonly arrivals: CountHistory;
  readonly boot: BootTime;
  readonly rate: ServiceRate;
  readonly utilization: number;
  readonly recommendations: StabilizationWindow;
  /** The counters as last read. */
  readonly doneReading: number;
  readonly busyReading: number;
}

export function blankTierMemory(ratePerServerInitial: number, trustMs: number): TierMemory {
  return {
    arrivals: emptyCountHistory,
    boot: unknownBootTime,
    rate: initialServiceRate(ratePerServerInitial, trustMs),
    utilization: 0,
    recommendations: [],
    doneReading: 0,
    busyReading: 0,
  };
}

export interface LearningTunables {
  readonly keepMs: number;
  readonly rateMemoryBusyMs: number;
  readonly utilizationSmoothingMs: number;
}

/** Takes in one observation. `elapsedMs` is the time since the last one, null for the first. */
export function learn(
  memory: TierMemory,
  seen: FleetObservation,
  /** Given by workers; request servers are as full as their event loops are busy. */
  batchFullness: number | null,
  elapsedMs: number | null,
  now: number,
  tunables: LearningTunables,
): TierMemory {
  const arrivals = recordCount(memory.arrivals, seen.arrivedTotal, now, tunables.keepMs);
  const boot = recordBoots(memory.boot, seen.bootsMs);
  const readings = { doneReading: seen.doneTotal, busyReading: seen.busyMsTotal };
  if (elapsedMs === null || elapsedMs <= 0) return { ...memory, arrivals, boot, ...readings };
  const done = Math.max(0, seen.doneTotal - memory.doneReading);
  const busyMs = Math.max(0, seen.busyMsTotal - memory.busyReading);
  const busyNow = seen.ready === 0 ? 0 : Math.min(1, busyMs / (seen.ready * elapsedMs));
  const weight = 1 - Math.exp(-elapsedMs / tunables.utilizationSmoothingMs);
  const utilization = memory.utilization + weight * (busyNow - memory.utilization);
  const work = { done, busyMs, fullness: batchFullness ?? busyNow };
  return {
    ...memory,
    arrivals,
    boot,
    utilization,
    rate: recordWork(memory.rate, work, tunables.rateMemoryBusyMs),
    ...readings,
  };
}
