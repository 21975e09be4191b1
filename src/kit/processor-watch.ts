/**
 * Whether this machine's processors have anything left, by their idle time in the last quarter of a
 * second. Nothing runs between questions: the reading is taken when somebody asks (80 µs on two
 * processors).
 *
 * Modes: *full* (less than `fullBelow` was idle) and *free* (more than `freeAbove`). Between the two
 * it stays as it was, so that what somebody saves by knowing does not at once undo the answer.
 */
import { type Clock, systemClock } from './clock.ts';
import { IdleMeter } from './idle-meter.ts';

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
    if (now - this.#readAt >= readEveryMs) {
      this.#readAt = now;
      const idle = this.#meter.read();
      if (idle < fullBelow) this.#isFull = true;
      else if (idle > freeAbove) this.#isFull = false;
    }
    return this.#isFull;
  }
}
