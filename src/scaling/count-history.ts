/**
 * What a counter said over the last seconds, and the rates that this proves.
 *
 * A rate measured over one second is quick and jumpy, one over a minute is calm and late. Instead
 * of choosing one window we ask all of them for the rate they *prove*: the count minus a few of
 * its own standard deviations (a count of n independent arrivals varies by about the root of n).
 * The highest proof wins. A real step shows in the short windows at once; noise proves nothing
 * there and the long windows decide. Rejected: one exponentially weighted mean — with a time
 * constant of 2 s its peaks within a minute are 2 to 3 times the mean at ten arrivals a second,
 * and the highest wish of a minute then holds servers that nobody needs.
 */

export interface CountSample {
  readonly at: number;
  readonly total: number;
}

export interface CountHistory {
  /** Oldest first; `total` only grows, also when the counter it came from was reset. */
  readonly samples: readonly CountSample[];
  /** The counter as last read, to tell growth from a reset. */
  readonly lastReading: number;
}

export const emptyCountHistory: CountHistory = { samples: [], lastReading: 0 };

/** Appends a reading of a counter. A counter that fell was reset by a restart and counts as still. */
export function recordCount(
  history: CountHistory,
  reading: number,
  now: number,
  keepMs: number,
): CountHistory {
  const last = history.samples.at(-1);
  if (last === undefined) return { samples: [{ at: now, total: 0 }], lastReading: reading };
  const total = last.total + Math.max(0, reading - history.lastReading);
  let first = 0;
  // Keep one sample that is older than the longest window, so that the window is covered whole.
  while (first + 1 < history.samples.length && isOlder(history, first + 1, now - keepMs)) first++;
  const samples = history.samples.slice(first);
  samples.push({ at: now, total });
  return { samples, lastReading: reading };
}

function isOlder(history: CountHistory, index: number, than: number): boolean {
  const sample = history.samples[index];
  return sample !== undefined && sample.at <= than;
}

/** How many were counted within `(from, until]`, and over how many milliseconds we know that. */
export function countBetween(
  history: CountHistory,
  from: number,
  until: number,
): { readonly count: number; readonly spanMs: number } {
  const start = lastSampleAt(history, from) ?? history.samples[0];
  const end = lastSampleAt(history, until);
  if (start === undefined || end === undefined || end.at <= start.at) {
    return { count: 0, spanMs: 0 };
  }
  return { count: end.total - start.total, spanMs: end.at - start.at };
}

function lastSampleAt(history: CountHistory, at: number): CountSample | undefined {
  for (let index = history.samples.length - 1; index >= 0; index--) {
    const sample = history.samples[index];
    if (sample !== undefined && sample.at <= at) return sample;
  }
  return undefined;
}

/** The highest rate per second that any of the windows proves with `sigmas` standard deviations. */
export function provenRate(
  history: CountHistory,
  windowsMs: readonly number[],
  sigmas: number,
  now: number,
): number {
  let highest = 0;
  for (const windowMs of windowsMs) {
    const { count, spanMs } = countBetween(history, now - windowMs, now);
    if (spanMs === 0) continue;
    // A young history has seen less than the window. Dividing by the window would call a crowd
    // of the first second small, dividing by one tick would call a single visitor a crowd.
    const seconds = Math.max(spanMs, Math.min(windowMs, 1000)) / 1000;
    highest = Math.max(highest, (count - sigmas * Math.sqrt(count)) / seconds);
  }
  return highest;
}

/**
 * By how much per second the rate itself grows, as far as the last two windows of `windowMs` prove
 * it; 0 when they do not.
 */
export function provenGrowth(
  history: CountHistory,
  windowMs: number,
  sigmas: number,
  now: number,
): number {
  const late = countBetween(history, now - windowMs, now);
  const early = countBetween(history, now - 2 * windowMs, now - windowMs);
  if (late.spanMs < windowMs || early.spanMs < windowMs) return 0;
  const proven = late.count - early.count - sigmas * Math.sqrt(late.count + early.count);
  return Math.max(0, proven) / (windowMs / 1000) ** 2;
}
