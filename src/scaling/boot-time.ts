/** How long a server of one tier takes from the decision to the first piece of work. */

/** Enough to forget one lucky start, few enough to notice a slower machine within a crowd. */
const bootsRememberedMax = 8;

export interface BootTime {
  /** The latest observed boots in milliseconds, oldest first. */
  readonly observedMs: readonly number[];
}

export const unknownBootTime: BootTime = { observedMs: [] };

export function recordBoots(known: BootTime, bootsMs: readonly number[]): BootTime {
  if (bootsMs.length === 0) return known;
  return { observedMs: [...known.observedMs, ...bootsMs].slice(-bootsRememberedMax) };
}

/**
 * The slowest boot we remember: to plan with the middle one would be late half of the time, and
 * being early costs one server for the difference.
 */
export function expectedBootMs(known: BootTime, initialMs: number): number {
  return known.observedMs.length === 0 ? initialMs : Math.max(...known.observedMs);
}
