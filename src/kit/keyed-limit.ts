/**
 * A semaphore for each key: it bounds how many pieces of work run at once and how many wait, first
 * come, first served. Two of them, one inside the other, are a fair queue: if each client has one
 * place in a queue that all share, no client fills it, and all are served in turn.
 */
import pLimit, { type LimitFunction } from 'p-limit';

export interface KeyedLimitOptions {
  readonly runningMax: number;
  readonly waitingMax: number;
  /** Makes the error for work that may not wait. */
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
