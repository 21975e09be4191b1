/**
 * How long purchases gather before the next claim.
 *
 * A batch costs the shop some milliseconds of processor time before its first checkout: statements,
 * commits on three nodes, calls. While the processors have time for that, the next claim follows at
 * once. While they are full everybody waits for them anyway, so a claim waits until about `company`
 * checkouts can be expected, by how many came since the claim before, and never beyond
 * `gatherMsMax`. (A shop that is busy with its shoppers' carts made 30 batches of 13 a second; a third of all
 * that it did was that.)
 */
/** A worker that cannot pay so many at a time does not wait for them. */
export const company = 128;
const gatherMsMax = 200;

export class ClaimPace {
  readonly #processorsAreFull: () => boolean;
  #claimedAt = Number.NEGATIVE_INFINITY;
  #nextAt = Number.NEGATIVE_INFINITY;

  constructor(processorsAreFull: () => boolean) {
    this.#processorsAreFull = processorsAreFull;
  }

  /** Milliseconds from `now` until the next claim; 0 or less: at once, also by a clock set back. */
  waitMs(now: number): number {
    const wait = this.#nextAt - now;
    return wait > gatherMsMax ? 0 : wait;
  }

  /** `claimed` checkouts at `now`; nothing is waited for where none was there, or more are left. */
  claimed(claimed: number, limit: number, now: number): void {
    const sinceMs = Math.max(1, now - this.#claimedAt);
    this.#claimedAt = now;
    const gathers = claimed > 0 && claimed < limit && this.#processorsAreFull();
    this.#nextAt = gathers ? now + Math.min(gatherMsMax, (sinceMs * company) / claimed) : now;
  }
}
