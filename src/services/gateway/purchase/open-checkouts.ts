/**
 * Bounds the undecided checkouts of each client and the units that they reserve. A client (address
 * or /64, so an office counts as one) that has reached a limit is refused until one of its
 * checkouts is decided. So a client whose payments never succeed can block no more than that.
 *
 * A checkout is entered when it is admitted and removed when this gateway sees its outcome. It does
 * not see some outcomes (answered with 202, the client disconnected). So when a client seems to
 * have reached its limit, the orders service is asked which of its checkouts were decided
 * meanwhile.
 */
import { LRUCache } from 'lru-cache';
import { Problem } from '../../../kit/http/problem.ts';
import { uuidTime } from '../../../kit/uuid-v7.ts';

const clientsMax = 20_000;
const checkoutsMax = 50;
const unitsMax = 200;
const retryAfterSeconds = 2;
const lookupPauseMs = 1_000;

/** Those among `ids` that are decided. */
export type FindDecided = (ids: readonly string[]) => Promise<readonly string[]>;

interface Share {
  /** Units by checkout. */
  readonly checkouts: Map<string, number>;
  units: number;
  lookup: Promise<void> | null;
  lookedUpAt: number;
}

export class OpenCheckouts {
  readonly #shares = new LRUCache<string, Share>({ max: clientsMax });
  readonly #find: FindDecided;
  /** An older checkout is decided, or was never accepted. */
  readonly #openMsMax: number;

  constructor(find: FindDecided, openMsMax: number) {
    this.#find = find;
    this.#openMsMax = openMsMax;
  }

  enter(client: string, id: string, units: number): void {
    let share = this.#shares.get(client);
    if (share === undefined) {
      share = { checkouts: new Map(), units: 0, lookup: null, lookedUpAt: 0 };
      this.#shares.set(client, share);
    }
    share.checkouts.set(id, units);
    share.units += units;
  }

  /** The checkout is decided, or was not accepted. */
  leave(client: string, id: string): void {
    const share = this.#shares.get(client);
    const units = share?.checkouts.get(id);
    if (share === undefined || units === undefined) return;
    share.checkouts.delete(id);
    share.units -= units;
    if (share.checkouts.size === 0) this.#shares.delete(client);
  }

  seemsFull(client: string): boolean {
    const share = this.#shares.get(client);
    return share !== undefined && isFull(share);
  }

  /** Looks up which are decided. Problem 429 with `Retry-After` if the limit is still reached. */
  async refuseIfFull(client: string, now: number): Promise<Problem | null> {
    const share = this.#shares.get(client);
    if (share === undefined) return null;
    if (share.lookup === null && now - share.lookedUpAt >= lookupPauseMs) {
      share.lookedUpAt = now;
      share.lookup = this.#lookUp(client, share, now).finally(() => {
        share.lookup = null;
      });
    }
    await share.lookup;
    if (!isFull(share)) return null;
    return new Problem(
      429,
      'too-many-checkouts',
      'Too many purchases at once',
      {
        detail:
          `${share.checkouts.size} purchases from your network are not decided yet. ` +
          `Nothing was charged. Please try again in ${retryAfterSeconds} s.`,
      },
      { 'retry-after': String(retryAfterSeconds) },
    );
  }

  async #lookUp(client: string, { checkouts }: Share, now: number): Promise<void> {
    const ids = [...checkouts.keys()];
    const over = ids.filter((id) => now - uuidTime(id) > this.#openMsMax);
    const decided = await this.#find(ids).catch(() => []);
    for (const id of [...over, ...decided]) this.leave(client, id);
  }
}

function isFull({ checkouts, units }: Share): boolean {
  return checkouts.size >= checkoutsMax || units >= unitsMax;
}
