/**
 * Lets `insideMax` pieces of work run at once and `waitingMax` wait in line; turns the rest away.
 * For work that is dear in itself: a password hash fills 64 MiB and a core for tens of
 * milliseconds, and a crowd at the door must not bring down those who are inside.
 */
import { unavailable } from '../../kit/http/problem.ts';

export class Turnstile {
  readonly #insideMax: number;
  readonly #waitingMax: number;
  readonly #line: (() => void)[] = [];
  #inside = 0;

  constructor(insideMax: number, waitingMax: number) {
    this.#insideMax = insideMax;
    this.#waitingMax = waitingMax;
  }

  /** Throws Problem 503 where the line is full. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inside < this.#insideMax) this.#inside += 1;
    else await this.#queue();
    try {
      return await work();
    } finally {
      const next = this.#line.shift();
      if (next === undefined) this.#inside -= 1;
      else next(); // hands its own place over
    }
  }

  #queue(): Promise<void> {
    if (this.#line.length >= this.#waitingMax) throw unavailable('too many people sign in at once');
    return new Promise((resolve) => this.#line.push(resolve));
  }
}
