/**
 * A circuit breaker (Nygard, "Release It!") for calls over a network, as pure functions.
 *
 * Modes: *closed* (requests go through; consecutive failures are counted), *open* (nothing goes
 * through until `until`), *probing* (one request tests whether the other side works again).
 * closed -> open after `failuresMax` consecutive failures; open -> probing when its time is over;
 * probing -> closed on a success, -> open for twice as long on a failure.
 *
 * Never: a breaker that stays open for ever. A probe without an outcome (a bug, a lost process)
 * expires after another `openMs`.
 */
export type Breaker =
  | { readonly mode: 'closed'; readonly failures: number }
  | { readonly mode: 'open'; readonly until: number; readonly openMs: number }
  | { readonly mode: 'probing'; readonly until: number; readonly openMs: number };

export interface BreakerLimits {
  /** Consecutive failures that open it. */
  readonly failuresMax: number;
  /** How long it stays open at first; each failed probe doubles it, up to `openMsMax`. */
  readonly openMs: number;
  readonly openMsMax: number;
}

/**
 * For one instance of a service. Only a failed connection counts as failure: refused, reset, timed
 * out. A status 500 does not: it says nothing about other requests to this instance.
 */
export const instanceBreaker: BreakerLimits = { failuresMax: 3, openMs: 250, openMsMax: 8_000 };

export const closedBreaker: Breaker = { mode: 'closed', failures: 0 };

export function admits(breaker: Breaker, now: number): boolean {
  return breaker.mode === 'closed' || now >= breaker.until;
}

/** To be called for each request that an admitting breaker lets through. */
export function afterAdmission(breaker: Breaker, now: number): Breaker {
  if (breaker.mode === 'closed') return breaker;
  return { mode: 'probing', until: now + breaker.openMs, openMs: breaker.openMs };
}

export function afterFailure(
  breaker: Breaker,
  now: number,
  limits: BreakerLimits = instanceBreaker,
): Breaker {
  if (breaker.mode === 'closed') {
    const failures = breaker.failures + 1;
    if (failures < limits.failuresMax) return { mode: 'closed', failures };
    return { mode: 'open', until: now + limits.openMs, openMs: limits.openMs };
  }
  if (breaker.mode === 'open') return breaker; // a request from before it opened
  const openMs = Math.min(limits.openMsMax, breaker.openMs * 2);
  return { mode: 'open', until: now + openMs, openMs };
}

export function afterSuccess(breaker: Breaker): Breaker {
  if (breaker.mode === 'closed' && breaker.failures === 0) return breaker;
  return closedBreaker;
}
