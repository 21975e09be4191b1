/**
 * Whether this machine has processor time left, by the idle time since the last reading. There is
 * no timer: `isFull` takes a reading, at most four times a second (80 µs on two processors). After
 * a long pause the first reading covers the whole pause.
 *
 * Modes: *full* (less than `fullBelow` was idle) and *free* (more than `freeAbove`). Between the
 * two the mode stays, or the work that a full machine saves would make it free at once.
 */
import { type Clock, systemClock } from '../../kit/clock.ts';
import { IdleMeter } from '../../kit/cluster/idle-meter.ts';

const readEveryMs = 250;
/** Shares of all processors, 0 to 1. */
const fullBelow = 0.1;
const freeAbove = 0.25;

export class ProcessorWatch {
  readonly #meter: Pick<IdleMeter, 'read'>;
  readonly #clock: Clock;
  #readAt: number;
  #isFull = false;

  constructor(meter: Pick<IdleMeter, 'read'> = new IdleMeter(), clock: Clock = systemClock) {
    this.#meter = meter;
    this.#clock = clock;
    this.#readAt = clock.now();
  }

  isFull(): boolean {
    const now = this.#clock.now();
    if (Math.abs(now - this.#readAt) >= readEveryMs) {
      // `abs`: the clock may be set back
      this.#readAt = now;
      const idle = this.#meter.read();
      if (idle < fullBelow) this.#isFull = true;
      else if (idle > freeAbove) this.#isFull = false;
    }
    return this.#isFull;
  }
}
