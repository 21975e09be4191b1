/**
 * When something that failed may be tried again: after a pause that doubles with each failure in a
 * row, up to some seconds. The supervisor uses this for everything that it repeats, so a full disk
 * costs a few tries and not a processor, and each reason is logged once and not with every try.
 */
const pauseMsMin = 100;
const pauseMsMax = 5_000;

interface Failing {
  pauseMs: number;
  until: number;
  readonly reasons: Set<string>;
}

export class RetryPause {
  readonly #failing = new Map<string, Failing>();

  /** `now`: milliseconds of a steady clock. */
  mayTry(what: string, now: number): boolean {
    return this.msUntilTry(what, now) === 0;
  }

  /** Milliseconds until it may be tried. */
  msUntilTry(what: string, now: number): number {
    return Math.max(0, (this.#failing.get(what)?.until ?? now) - now);
  }

  isFailing(what: string): boolean {
    return this.#failing.has(what);
  }

  /** True where that reason was not given before in this row of failures. */
  failed(what: string, why: string, now: number): boolean {
    const known = this.#failing.get(what) ?? {
      pauseMs: pauseMsMin,
      until: now,
      reasons: new Set(),
    };
    this.#failing.set(what, known);
    known.until = now + known.pauseMs;
    known.pauseMs = Math.min(pauseMsMax, known.pauseMs * 2);
    const isNew = !known.reasons.has(why);
    known.reasons.add(why);
    return isNew;
  }

  succeeded(what: string): void {
    this.#failing.delete(what);
  }
}
