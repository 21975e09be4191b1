/**
 * Stops asking a provider that does not answer (Nygard, "Release It!"). Closed: calls pass, and
 * `failuresMax` failures in a row open it. Open: no call for `openMs`. Then half-open: one call
 * may try; its success closes the breaker, its failure opens it again. Pure: `now` is an argument.
 */
export interface BreakerOptions {
  readonly failuresMax: number;
  readonly openMs: number;
}

export type BreakerState =
  | { readonly kind: 'closed'; readonly failures: number }
  | { readonly kind: 'open'; readonly until: number }
  | { readonly kind: 'half-open'; readonly trial: boolean };

export class CircuitBreaker {
  readonly #options: BreakerOptions;
  #state: BreakerState = { kind: 'closed', failures: 0 };

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** May a call be made now? In half-open state, true once. */
  admits(now: number): boolean {
    if (this.#state.kind === 'open' && now >= this.#state.until) {
      this.#state = { kind: 'half-open', trial: false };
    }
    if (this.#state.kind === 'closed') return true;
    if (this.#state.kind === 'open' || this.#state.trial) return false;
    this.#state = { kind: 'half-open', trial: true };
    return true;
  }

  /** Looks without taking the trial. */
  isOpen(now: number): boolean {
    return this.#state.kind === 'open' && now < this.#state.until;
  }

  succeeded(): void {
    this.#state = { kind: 'closed', failures: 0 };
  }

  failed(now: number): void {
    const failures = this.#state.kind === 'closed' ? this.#state.failures + 1 : Infinity;
    if (failures >= this.#options.failuresMax) {
      this.#state = { kind: 'open', until: now + this.#options.openMs };
    } else {
      this.#state = { kind: 'closed', failures };
    }
  }
}
