/**
 * How long purchases gather before the next claim.
 *
 * A batch costs the shop some milliseconds of processor time before its first checkout: statements,
 * commits on three nodes, calls. While the processors have time for that, the next claim follows at
 * once. While they are full everybody waits for them anyway, so a claim waits until the orders
 * services have notified of `gatherCount` checkouts that were not claimed yet, and never beyond
 * `gatherMsMax`. (A shop that is busy with its shoppers' carts made 30 batches of 13 a second; a
 * third of all that it did was that.)
 *
 * They are counted, not expected by how many came between two claims: a claim that had just missed
 * an intake found three, and let hundreds wait for a fifth of a second (decision 16).
 */
/** A worker that cannot pay so many at a time does not wait for them. */
export const gatherCount = 48;
const gatherMsMax = 200;

export class ClaimPace {
  readonly #processorsAreFull: () => boolean;
  #nextAt = Number.NEGATIVE_INFINITY;
  /** Notified and not claimed, as far as this worker knows: others claim too. */
  #waiting = 0;
  #waitingBeforeClaim = 0;

  constructor(processorsAreFull: () => boolean) {
    this.#processorsAreFull = processorsAreFull;
  }

  /** So many more are in the queue. */
  arrived(count: number): void {
    this.#waiting += count;
  }

  /** Milliseconds from `now` until the next claim; 0 or less: at once, also by a clock set back. */
  waitMs(now: number): number {
    const wait = this.#nextAt - now;
    return wait > gatherMsMax || this.#waiting >= gatherCount ? 0 : wait;
  }

  /** A claim is sent: it may find what was notified so far. */
  claiming(): void {
    this.#waitingBeforeClaim = this.#waiting;
  }

  /** `claimed` checkouts at `now`; nothing is waited for where none was there, or more are left. */
  claimed(claimed: number, limit: number, now: number): void {
    const notifiedMeanwhile = this.#waiting - this.#waitingBeforeClaim;
    const left = Math.max(0, this.#waiting - claimed);
    this.#waiting = claimed < limit ? Math.min(left, notifiedMeanwhile) : left;
    const gathers = claimed > 0 && claimed < limit && this.#processorsAreFull();
    this.#nextAt = gathers ? now + gatherMsMax : now;
  }
}
