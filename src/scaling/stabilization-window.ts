/**
 * Hysteresis: up at once, down only to the highest recommendation of the last while.
 *
 * An old recommendation may fade. A large crowd is steadier for its size than a small one, so
 * twenty servers may follow it down closely; two that were needed a while ago are still two when
 * rounded up.
 *
 * Kept as a falling staircase: a recommendation that a later one reaches or passes can never again
 * be the highest, so it is forgotten.
 */

export interface PastRecommendation {
  readonly at: number;
  /** Servers, not rounded, so that the way down can ask for a margin. */
  readonly servers: number;
}

export type StabilizationWindow = readonly PastRecommendation[];

export function recordRecommendation(
  window: StabilizationWindow,
  servers: number,
  now: number,
  windowMs: number,
): StabilizationWindow {
  const kept = window.filter(
    (recommendation) => recommendation.at > now - windowMs && recommendation.servers > servers,
  );
  return [...kept, { at: now, servers }];
}

/**
 * The highest of what the kept recommendations count now, in servers. `fadeShare`, 0 to 1: the part
 * of itself that a recommendation has lost, evenly, when it leaves the window.
 */
export function highestRecommendation(
  window: StabilizationWindow,
  now: number,
  windowMs: number,
  fadeShare: number,
): number {
  let highest = 0;
  for (const { at, servers } of window) {
    const age = (now - at) / windowMs;
    highest = Math.max(highest, servers * (1 - fadeShare * age));
  }
  return highest;
}
