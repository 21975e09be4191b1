/** A ratio of two counts that is learned while it changes, e.g. requests per visit. */
export interface LearnedRatio {
  readonly of: number;
  readonly per: number;
}

/** `trust`: how many units of the denominator the initial value is worth. */
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
