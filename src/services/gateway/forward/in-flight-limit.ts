/**
 * An adaptive concurrency limit: how many requests a service may have at once, from how long its
 * answers take (pure).
 *
 * After Netflix's "gradient" limit. While answers take about as long as usual, the limit grows by a
 * share of its square root. When they take longer, a queue builds up in the service, and the limit
 * shrinks in proportion. A limit that is not used does not grow. Failed connections halve it.
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

export const limitMin = 12;
export const limitMax = 1_024;
const limitFirst = 48;
const windowMs = 50;
const windowCountMin = 10;
/** Answers may take this many times their usual time before the limit shrinks. */
const tolerance = 1.5;
/** Grows by a tenth in half a minute: a long overload must not become the usual time. */
const usualWeightUp = 0.0001;
const usualWeightDown = 0.1;
/** Below this answer time the limit never shrinks. */
const queueMsMin = 30;
const growth = 0.3;
const gradientMin = 0.5;

function emptyWindow(now: number): Window {
  return { since: now, count: 0, sumMs: 0, inFlightMax: 0, failures: 0 };
}

export function firstLimit(now: number): InFlightLimit {
  return { limit: limitFirst, usualMs: null, window: emptyWindow(now) };
}

/** Call it with every request that has ended. */
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
  const weight = usualMs !== null && recentMs > usualMs ? usualWeightUp : usualWeightDown;
  const usual = usualMs === null ? recentMs : usualMs + weight * (recentMs - usualMs);
  const failing = window.failures * 10 > window.count;
  const allowedMs = Math.max(queueMsMin, tolerance * usual);
  const gradient = failing ? gradientMin : Math.max(gradientMin, Math.min(1, allowedMs / recentMs));
  const used = window.inFlightMax * 2 >= limit;
  const next = gradient < 1 ? limit * gradient : used ? limit + growth * Math.sqrt(limit) : limit;
  return {
    limit: Math.max(limitMin, Math.min(limitMax, next)),
    usualMs: usual,
    window: emptyWindow(now),
  };
}
