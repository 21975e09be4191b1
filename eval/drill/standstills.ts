/**
 * Moments in which the machine itself stood still: a virtual machine that was frozen, or starved.
 * Seen by a timer that came late, so that nobody blames the shop, or a fault, for them.
 */
const everyMs = 100;
const lateMsMin = 1_000;

export interface Standstill {
  /** When it was over, milliseconds since the Unix epoch. */
  readonly until: number;
  readonly ms: number;
}

export class Standstills {
  readonly found: Standstill[] = [];
  readonly #timer: NodeJS.Timeout;
  #last = Date.now();

  constructor() {
    this.#timer = setInterval(() => this.#tick(), everyMs);
  }

  #tick(): void {
    const now = Date.now();
    const late = now - this.#last - everyMs;
    this.#last = now;
    if (late >= lateMsMin) this.found.push({ until: now, ms: late });
  }

  since(time: number): readonly Standstill[] {
    return this.found.filter(({ until }) => until >= time);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
