import { figure, seconds } from './format-figure.ts';

/** What the recommendation for workers is made from. Backlog counts checkouts that wait. */
export interface WorkerDemand {
  /** Expected arrivals. */
  readonly arrivalsPerSecond: number;
  readonly backlog: number;
  readonly oldestAgeMs: number;
  readonly readyWorkers: number;
  /** Measured: what one worker decides in a second of work. */
  readonly ratePerWorker: number;
  readonly bootMs: number;
  /** The part of their time in which the ready workers work, 0 to 1. */
  readonly busyShare: number;
}

export interface WorkerSizeTunables {
  /** Spare capacity in standard deviations of the arrivals of one second (square-root staffing). */
  readonly spareSigmas: number;
  /**
   * And in servers: where a little waiting is allowed, the room that keeps a line short is about
   * the same for a small fleet and a large one.
   */
  readonly spareServers: number;
  /** A backlog that the ready workers finish within this is no backlog. */
  readonly allowedWaitMs: number;
  /** A backlog beyond that should be gone after this. */
  readonly drainMs: number;
  /** An older checkout than this says that the figures are too good to be true. */
  readonly ageAlarmMs: number;
  /** Workers that work less than this part of their time wait for something that is no worker. */
  readonly workingShareMin: number;
}

export interface Recommendation {
  /** Not rounded, so that hysteresis can see how close it was. */
  readonly servers: number;
  readonly why: string;
}

/** One alarm may at most double the fleet: when more is needed, the next alarm says so. */
const ageFactorMax = 2;

/**
 * The workers that we would like to have, in fractions.
 *
 * (arrivals + spare + what must be caught up per second) ÷ rate per worker. Only the part of the
 * backlog that will still be there when new workers are ready counts: a worker that boots for
 * five seconds cannot help with what the others finish in two. An old checkout overrides the
 * arithmetic upward, because then the arithmetic is wrong.
 *
 * But no number of workers helps those that are idle while work waits: a catalog that hangs, a
 * payment provider that is left alone, a machine whose cores are taken. Then we keep what we have.
 * (A second worker on two cores, beside one that worked a quarter of its time, made the median
 * answer take 28 to 38 ms instead of 23 to 26.)
 */
export function desiredWorkers(demand: WorkerDemand, tunables: WorkerSizeTunables): Recommendation {
  const { arrivalsPerSecond, backlog, readyWorkers, ratePerWorker, bootMs, oldestAgeMs } = demand;
  const spare = tunables.spareSigmas * Math.sqrt(arrivalsPerSecond);
  const capacity = readyWorkers * ratePerWorker;
  const allowed = (capacity * tunables.allowedWaitMs) / 1000;
  const finishedByThen = (Math.max(0, capacity - arrivalsPerSecond) * bootMs) / 1000;
  const late = Math.max(0, backlog - allowed - finishedByThen);
  const catchUp = late / (tunables.drainMs / 1000);
  const drain = seconds(tunables.drainMs);
  const byRate = (arrivalsPerSecond + spare + catchUp) / ratePerWorker + tunables.spareServers;
  const why =
    `${figure(arrivalsPerSecond)} arrivals/s and ${figure(spare)}/s spare` +
    (catchUp > 0
      ? `, ${figure(late)} of ${figure(backlog)} waiting to catch up in ${drain}`
      : `, ${figure(backlog)} waiting`) +
    `, at ${figure(ratePerWorker)}/s per worker, need ${figure(byRate)}`;
  const alarm = Math.min(ageFactorMax, oldestAgeMs / tunables.ageAlarmMs);
  const byAge = alarm > 1 ? readyWorkers * alarm : 0;
  if (Math.max(byAge, byRate) > readyWorkers && isIdle(demand, tunables)) {
    const share = figure(demand.busyShare * 100);
    return {
      servers: readyWorkers,
      why: `workers work ${share} % of their time, so no more: ${why}`,
    };
  }
  if (byAge <= byRate) return { servers: byRate, why };
  return {
    servers: byAge,
    why: `the oldest has waited ${seconds(oldestAgeMs)}, so ${figure(byAge)} although ${why}`,
  };
}

/** The workers that are there have time for more. */
function isIdle({ busyShare, readyWorkers }: WorkerDemand, t: WorkerSizeTunables): boolean {
  return readyWorkers > 0 && busyShare < t.workingShareMin;
}
