/**
 * Which seeds are for what. The two ranges never meet: whoever tunes a constant looks at the
 * tuning seeds only, and the report is about crowds that nobody has looked at.
 */
export const tuningSeedFirst = 1;
export const tuningSeedLast = 100;
export const evaluationSeedFirst = 1001;
export const evaluationSeeds = 100;

export function seedsFrom(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}
