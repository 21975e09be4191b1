/**
 * Who may come in now, when more come than the shop lets in a second (pure but for its own state).
 *
 * A place in line is the moment of arrival, nothing else, so that it can be kept in a signed cookie
 * and read by every gateway. Everyone who arrived at or before the *frontier* is called. While the
 * line is empty the frontier is now; otherwise it moves from arrival to arrival, `ratePerSecond`
 * of them a second. Nobody is ever called before someone who came earlier.
 */
export interface Place {
  /** 0 where the holder is called. */
  readonly position: number;
  readonly etaSeconds: number;
}

const burstSeconds = 1;
const called: Place = { position: 0, etaSeconds: 0 };
/** Arrivals that were called are dropped from memory when so many have gathered. */
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

  /** A new place, called at once where nobody waits and the rate allows it; null if it is full. */
  arrive(now: number, ratePerSecond: number): number | null {
    this.advance(now, ratePerSecond);
    if (this.waiting >= this.#waitingMax) return null;
    // Two who come in the same instant still stand one behind the other.
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

  /** Calls as many as the time that has passed allows. */
  advance(now: number, ratePerSecond: number): void {
    const passedSeconds = Math.max(0, now - this.#at) / 1_000;
    this.#at = Math.max(this.#at, now);
    this.#allowance += passedSeconds * ratePerSecond;
    while (this.waiting > 0 && this.#allowance >= 1) {
      this.#frontier = this.#arrivals[this.#head] ?? this.#frontier;
      this.#head += 1;
      this.#allowance -= 1;
    }
    // What nobody claimed is not saved up: a quiet hour does not let in a stampede.
    this.#allowance = Math.min(this.#allowance, Math.max(1, ratePerSecond * burstSeconds));
    if (this.#head >= compactAt) {
      this.#arrivals = this.#arrivals.slice(this.#head);
      this.#head = 0;
    }
  }

  place(ticket: number, now: number, ratePerSecond: number): Place {
    this.advance(now, ratePerSecond);
    if (ticket <= this.#frontier) return called;
    // A ticket of another gateway stands among our own by its time.
    let [low, high] = [this.#head, this.#arrivals.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#arrivals[middle] ?? 0) < ticket) low = middle + 1;
      else high = middle;
    }
    if (this.waiting === 0) return called;
    const position = low - this.#head + 1;
    return { position, etaSeconds: Math.max(1, Math.ceil(position / ratePerSecond)) };
  }
}
