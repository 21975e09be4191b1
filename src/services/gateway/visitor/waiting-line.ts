/**
 * The line of the waiting room: decides who is admitted when more visitors come than the rate
 * allows (no I/O; `now` is an argument).
 *
 * A place in the line is the moment of arrival and nothing else, so a signed cookie can hold it and
 * every gateway can read it. Everyone who arrived at or before the *frontier* is admitted. While
 * the line is empty the frontier is now; otherwise it moves from arrival to arrival,
 * `ratePerSecond` of them per second. Nobody is admitted before somebody who came earlier.
 */
export interface Place {
  /** 0 where the visitor is admitted. */
  readonly position: number;
  readonly etaSeconds: number;
}

const burstSeconds = 1;
const admitted: Place = { position: 0, etaSeconds: 0 };
/** The memory of admitted arrivals is freed when there are this many. */
const compactAt = 10_000;

export class WaitingLine {
  readonly #waitingMax: number;
  #arrivals: number[] = [];
  #head = 0;
  #frontier: number;
  #allowance: number;
  #at: number;
  #lastTicket = 0;

  constructor(now: number, ratePerSecond: number, waitingMax = 1_000_000) {
    this.#waitingMax = waitingMax;
    this.#frontier = now;
    this.#at = now;
    this.#allowance = ratePerSecond * burstSeconds;
  }

  get waiting(): number {
    return this.#arrivals.length - this.#head;
  }

  /** A new place, admitted at once if nobody waits and the rate allows it; null if it is full. */
  arrive(now: number, ratePerSecond: number): number | null {
    this.advance(now, ratePerSecond);
    if (this.waiting >= this.#waitingMax) return null;
    // Two arrivals of the same instant get different places.
    const ticket = Math.max(now, this.#lastTicket + 0.001);
    this.#lastTicket = ticket;
    if (this.waiting === 0 && this.#allowance >= 1) {
      this.#allowance -= 1;
      this.#frontier = Math.max(this.#frontier, ticket);
    } else {
      this.#arrivals.push(ticket);
    }
    return ticket;
  }

  /** Admits as many as the rate allows for the time that has passed. */
  advance(now: number, ratePerSecond: number): void {
    const passedSeconds = Math.max(0, now - this.#at) / 1_000;
    this.#at = Math.max(this.#at, now);
    this.#allowance += passedSeconds * ratePerSecond;
    while (this.waiting > 0 && this.#allowance >= 1) {
      this.#frontier = this.#arrivals[this.#head] ?? this.#frontier;
      this.#head += 1;
      this.#allowance -= 1;
    }
    // Unused allowance is not saved: after a quiet hour the rate still holds.
    this.#allowance = Math.min(this.#allowance, Math.max(1, ratePerSecond * burstSeconds));
    if (this.#head >= compactAt) {
      this.#arrivals = this.#arrivals.slice(this.#head);
      this.#head = 0;
    }
  }

  place(ticket: number, now: number, ratePerSecond: number): Place {
    this.advance(now, ratePerSecond);
    if (ticket <= this.#frontier) return admitted;
    // A ticket of another gateway has its position by its time.
    let [low, high] = [this.#head, this.#arrivals.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#arrivals[middle] ?? 0) < ticket) low = middle + 1;
      else high = middle;
    }
    if (this.waiting === 0) return admitted;
    const position = low - this.#head + 1;
    return { position, etaSeconds: Math.max(1, Math.ceil(position / ratePerSecond)) };
  }
}
