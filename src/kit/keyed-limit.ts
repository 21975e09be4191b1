/**
 * So many pieces of work at once for each key, and so many that wait, first come, first served.
 * Put one into another and they are fair queues: where each client has one place in a queue that
 * all share, none fills it, and each is served in turn.
 */
import pLimit, { type LimitFunction } from 'p-limit';

export interface KeyedLimitOptions {
  readonly runningMax: number;
  readonly waitingMax: number;
  /** What is thrown where no more may wait. */
  readonly refusal: () => Error;
}

export class KeyedLimit {
  readonly #options: KeyedLimitOptions;
  readonly #keys = new Map<string, { readonly limit: LimitFunction; entered: number }>();

  constructor(options: KeyedLimitOptions) {
    this.#options = options;
  }

  /** Keys that have work now. */
  get size(): number {
    return this.#keys.size;
  }

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const { runningMax, waitingMax, refusal } = this.#options;
    const own = this.#keys.get(key) ?? { limit: pLimit(runningMax), entered: 0 };
    if (own.entered >= runningMax + waitingMax) throw refusal();
    this.#keys.set(key, own);
    own.entered += 1;
    try {
      return await own.limit(work);
    } finally {
      own.entered -= 1;
      if (own.entered === 0) this.#keys.delete(key);
    }
  }
}
