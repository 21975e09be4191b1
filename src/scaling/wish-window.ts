/**
 * Hysteresis: up at once, down only to the highest wish of the last while.
 *
 * An old wish fades. A crowd of twenty servers is as steady, for its size, as one of two is not: it
 * may follow a falling crowd down closely, while two servers that were needed half a minute ago are
 * still two when rounded up.
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

/** How an old wish loses weight while it is kept. */
export interface Fading {
  /** Until this age a wish counts in full. */
  readonly fadeAfterMs: number;
  /** From then on it loses this part of itself until the end of the window, evenly. */
  readonly fadeShare: number;
}

/** The highest of what the kept wishes count now, in servers. */
export function highestWish(
  window: WishWindow,
  now: number,
  windowMs: number,
  { fadeAfterMs, fadeShare }: Fading,
): number {
  let highest = 0;
  for (const { at, servers } of window) {
    const faded = Math.max(0, now - at - fadeAfterMs) / Math.max(1, windowMs - fadeAfterMs);
    highest = Math.max(highest, servers * (1 - fadeShare * faded));
  }
  return highest;
}
