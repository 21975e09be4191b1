/**
 * A circuit breaker (Nygard, "Release It!") for whatever is asked over a wire, as pure decisions.
 *
 * Modes: *closed* (requests go through; failures in a row are counted), *open* (nothing goes
 * through until `until`), *probing* (one request tries whether the other side is well again).
 * closed -> open after `failuresMax` failures in a row; open -> probing when its time is over;
 * probing -> closed on a success, -> open for twice as long on a failure.
 *
 * What must never hold: a breaker that nothing can close. A probe whose outcome never comes, by a
 * bug or a lost process, is given up after another `openMs`.
 */
export type Breaker =
  | { readonly mode: 'closed'; readonly failures: number }
  | { readonly mode: 'open'; readonly until: number; readonly openMs: number }
  | { readonly mode: 'probing'; readonly until: number; readonly openMs: number };

export interface BreakerLimits {
  /** Failures in a row that open it. */
  readonly failuresMax: number;
  /** How long it stays open at first; each failed probe doubles it, up to `openMsMax`. */
  readonly openMs: number;
  readonly openMsMax: number;
}

/**
 * For one instance of a service. Only the transport counts as failure there: refused, reset, timed
 * out. An answer with status 500 says that the request was bad luck, not that the instance is
 * gone; its supervisor judges that.
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
