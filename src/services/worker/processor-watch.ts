/**
 * Whether this machine's processors have anything left, by their idle time since the reading
 * before. Nothing runs between questions: a reading is taken when somebody asks, four times a
 * second at most (80 µs on two processors). Whoever asks after a long silence hears of that silence
 * first.
 *
 * Modes: *full* (less than `fullBelow` was idle) and *free* (more than `freeAbove`). Between the
 * two it stays as it was, so that what somebody saves by knowing does not at once undo the answer.
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
      // also where the clock was set back
      this.#readAt = now;
      const idle = this.#meter.read();
      if (idle < fullBelow) this.#isFull = true;
      else if (idle > freeAbove) this.#isFull = false;
    }
    return this.#isFull;
  }
}
