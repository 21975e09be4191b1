/**
 * How many requests a tier may have at once, found out from how long it takes (pure).
 *
 * After Netflix's "gradient" limit: while answers take about as long as they did over a longer
 * time, the limit grows by its square root; when they take longer, a queue is building up behind
 * us, and the limit shrinks in proportion. A limit that is not used does not grow: a quiet tier
 * has proved nothing. Failures of the transport count as a halving.
 */
export interface InFlightLimit {
  readonly limit: number;
  /** Milliseconds; null until the first window has ended. */
  readonly usualMs: number | null;
  readonly window: Window;
}

interface Window {
  readonly since: number;
  readonly count: number;
  readonly sumMs: number;
  readonly inFlightMax: number;
  readonly failures: number;
}

export interface Finished {
  readonly milliseconds: number;
  readonly inFlight: number;
  readonly failed: boolean;
}

export const limitMin = 32;
export const limitMax = 1_024;
const limitFirst = 128;
const windowMs = 100;
const windowCountMin = 10;
/** Answers may take this many times their usual time before the limit shrinks. */
const tolerance = 2.5;
const usualWeight = 0.05;
const smoothing = 0.3;
const gradientMin = 0.5;

function emptyWindow(now: number): Window {
  return { since: now, count: 0, sumMs: 0, inFlightMax: 0, failures: 0 };
}

export function firstLimit(now: number): InFlightLimit {
  return { limit: limitFirst, usualMs: null, window: emptyWindow(now) };
}

/** To be told of every request that ended. */
export function afterFinish(state: InFlightLimit, done: Finished, now: number): InFlightLimit {
  const { window } = state;
  const grown: Window = {
    since: window.since,
    count: window.count + 1,
    sumMs: window.sumMs + done.milliseconds,
    inFlightMax: Math.max(window.inFlightMax, done.inFlight),
    failures: window.failures + (done.failed ? 1 : 0),
  };
  const over = now - grown.since >= windowMs && grown.count >= windowCountMin;
  return over ? afterWindow({ ...state, window: grown }, now) : { ...state, window: grown };
}

function afterWindow({ limit, usualMs, window }: InFlightLimit, now: number): InFlightLimit {
  const recentMs = Math.max(0.1, window.sumMs / window.count);
  const usual = usualMs === null ? recentMs : usualMs + usualWeight * (recentMs - usualMs);
  // After a long jam the usual time has crept up; it comes down faster than it went up.
  const usualNext = recentMs < usual / 2 ? usual * 0.9 : usual;
  const failing = window.failures * 10 > window.count;
  const gradient = failing
    ? gradientMin
    : Math.max(gradientMin, Math.min(1, (tolerance * usual) / recentMs));
  const used = window.inFlightMax * 2 >= limit;
  const wanted = gradient < 1 || used ? limit * gradient + Math.sqrt(limit) : limit;
  const next = limit + smoothing * (wanted - limit);
  return {
    limit: Math.max(limitMin, Math.min(limitMax, next)),
    usualMs: usualNext,
    window: emptyWindow(now),
  };
}
