/**
 * Hysteresis: up at once, down only to the highest wish of the last while.
 *
 * An old wish may fade. A large crowd is steadier for its size than a small one, so twenty servers
 * may follow it down closely; two that were needed a while ago are still two when rounded up.
 *
 * Kept as a falling staircase: a wish that a later one reaches or passes can never again be the
 * highest, so it is forgotten.
 */

export interface Wish {
  readonly at: number;
  /** Servers, not rounded, so that the way down can ask for a margin. */
  readonly servers: number;
}

export type WishWindow = readonly Wish[];

export function recordWish(
  window: WishWindow,
  servers: number,
  now: number,
  windowMs: number,
): WishWindow {
  const kept = window.filter((wish) => wish.at > now - windowMs && wish.servers > servers);
  return [...kept, { at: now, servers }];
}

/**
 * The highest of what the kept wishes count now, in servers. `fadeShare`, 0 to 1: the part of
 * itself that a wish has lost, evenly, when it leaves the window.
 */
export function highestWish(
  window: WishWindow,
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
