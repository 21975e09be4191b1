/**
 * How much one server does in a second in which it works, measured.
 *
 * The measure is work done ÷ time spent working, over the last `memoryMs` of working time, so it
 * is right at any load where work is done piece by piece. Where work is done in batches, a nearly
 * empty batch takes as long as a full one and says little about what a server could do: such
 * samples may only raise the estimate, never lower it.
 */

export interface ServiceRate {
  readonly done: number;
  readonly busyMs: number;
}

/** What was done, and the summed working time of all servers, since the last observation. */
export interface WorkSample {
  readonly done: number;
  readonly busyMs: number;
  /** How full the batches were, 0 to 1; 1 where work is done one by one. */
  readonly fullness: number;
}

/** Below this a batch is not a measure of what a server can do. */
const measurableFullness = 0.5;

export function initialServiceRate(perSecond: number, trustMs: number): ServiceRate {
  return { done: (perSecond * trustMs) / 1000, busyMs: trustMs };
}

export function recordWork(known: ServiceRate, sample: WorkSample, memoryMs: number): ServiceRate {
  if (sample.busyMs <= 0) return known;
  const keep = Math.exp(-sample.busyMs / memoryMs);
  const updated = {
    done: known.done * keep + sample.done,
    busyMs: known.busyMs * keep + sample.busyMs,
  };
  const lower = perSecond(updated) < perSecond(known);
  return lower && sample.fullness < measurableFullness ? known : updated;
}

/**
 * Work that never ends must not make an infinite recommendation: then the tier's maximum bounds it.
 */
const perSecondMin = 0.001;

export function perSecond(known: ServiceRate): number {
  if (known.busyMs === 0) return perSecondMin;
  return Math.max(perSecondMin, known.done / (known.busyMs / 1000));
}
