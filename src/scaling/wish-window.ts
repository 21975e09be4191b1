/**
 * Hysteresis: up at once, down only to the highest wish of the last while.
 *
 * Kept as a falling staircase: a wish that a later one reaches or passes can never again be the
 * highest, so it is forgotten, and the first step is always the answer.
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

export function highestWish(window: WishWindow): number {
  return window[0]?.servers ?? 0;
}
