/**
 * One beat for everything that the supervisor does again and again. What falls due together is done
 * in one waking of the process, with warm caches, instead of in many: on an idle machine waking is
 * most of the price of a small question.
 */
export function untilNextMs(everyMs: number, now: number = performance.now()): number {
  return everyMs - (now % everyMs);
}
