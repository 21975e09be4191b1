/**
 * What will arrive when a server that is ordered now is ready.
 *
 * Three sources, the highest counts:
 * - requests: the rate that the recent counts prove, and its proven growth until the boot is over;
 * - visits: a visitor who is turned away asks for nothing more, so an overloaded shop sees fewer
 *   requests than its crowd would make. New visits per second × requests per visit is what comes
 *   once there is room;
 * - upstream: a full tier in front holds back what will reach this one. Its forecast × the share
 *   of its requests that arrive here lets both tiers boot at once instead of one after the other.
 */
import { type CountHistory, provenGrowth, provenRate } from './count-history.ts';

export interface ForecastTunables {
  /** Windows over which counts are compared, shortest first. */
  readonly windowsMs: readonly number[];
  /** How many standard deviations of a count are needed as proof of a rate. */
  readonly proofSigmas: number;
  readonly growthWindowMs: number;
  readonly growthSigmas: number;
  /** How much of a proven growth is believed to go on until a boot is over, 0 to 1. */
  readonly growthTrust: number;
}

/** Expected events per second after `aheadMs`. */
export function forecastRate(
  history: CountHistory,
  aheadMs: number,
  now: number,
  tunables: ForecastTunables,
): number {
  const rate = provenRate(history, tunables.windowsMs, tunables.proofSigmas, now);
  if (tunables.growthTrust === 0) return rate;
  const growth = provenGrowth(history, tunables.growthWindowMs, tunables.growthSigmas, now);
  return rate + tunables.growthTrust * growth * (aheadMs / 1000);
}

/** A ratio of two counts that forgets, e.g. requests per visit. */
export interface LearnedRatio {
  readonly of: number;
  readonly per: number;
}

export function initialRatio(value: number, trust: number): LearnedRatio {
  return { of: value * trust, per: trust };
}

/** Adds counts; what is older than about `memory` units of the denominator fades. */
export function recordRatio(
  known: LearnedRatio,
  of: number,
  per: number,
  memory: number,
): LearnedRatio {
  if (of <= 0 && per <= 0) return known;
  const keep = Math.exp(-per / memory);
  return { of: known.of * keep + of, per: known.per * keep + per };
}

export function ratioOf(known: LearnedRatio): number {
  return known.per === 0 ? 0 : known.of / known.per;
}
