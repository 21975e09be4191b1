/**
 * Whether the payment provider answers anybody at all.
 *
 * One payment without an answer says nothing about the next: a buyer can choose a payment that is
 * never answered, forty times. So the provider is *down* only when `buyersMin` different buyers
 * were not answered, all of whose payments were asked for after the last answer to anyone. It is
 * *up* again with the first answer to anyone. Only first asks count: those that are asked again
 * were chosen by their silence.
 *
 * Rejected: so many failures in a row (Nygard's circuit breaker). In a quiet shop 20 dead payments
 * of one buyer were enough, and its trial payments were the same dead ones, first in line.
 */
export class ProviderHealth {
  readonly #buyersMin: number;
  readonly #unanswered = new Set<string>();
  #answeredAt = Number.NEGATIVE_INFINITY;

  constructor(buyersMin: number) {
    this.#buyersMin = buyersMin;
  }

  get isDown(): boolean {
    return this.#unanswered.size >= this.#buyersMin;
  }

  /** Any answer, yes or no. `now` in milliseconds. */
  answered(now: number): void {
    this.#answeredAt = now;
    this.#unanswered.clear();
  }

  /** No answer to the first ask for a payment of `buyer`, made at `askedAt`. */
  unanswered(buyer: string, askedAt: number): void {
    if (askedAt >= this.#answeredAt && !this.isDown) this.#unanswered.add(buyer);
  }
}
