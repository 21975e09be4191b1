import { describe, expect, it } from 'vitest';
import { gather } from './gather.ts';

/** Doubles numbers; a batch ends when the test says so. */
class Doubling {
  readonly batches: (readonly number[])[] = [];
  readonly #ends: (() => void)[] = [];
  readonly double;

  constructor(batchMax = 100) {
    this.double = gather((keys: readonly number[]) => this.#run(keys), { batchMax });
  }

  async #run(keys: readonly number[]): Promise<(number | Error)[]> {
    this.batches.push(keys);
    await new Promise<void>((resolve) => this.#ends.push(resolve));
    return keys.map((key) => (key < 0 ? new Error(`${key} is negative`) : key * 2));
  }

  async end(): Promise<void> {
    this.#ends.shift()?.();
    await turn();
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('gathered calls', () => {
  it('of one turn are one batch, and each gets its own answer', async () => {
    const doubling = new Doubling();
    const answers = Promise.allSettled([1, -2, 3].map(doubling.double));
    await turn();
    await doubling.end();
    expect(doubling.batches).toEqual([[1, -2, 3]]);
    expect((await answers).map((each) => each.status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
  });

  it('that come while a batch is under way are the next batch', async () => {
    const doubling = new Doubling();
    const first = doubling.double(1);
    await turn();
    const later: Promise<number>[] = [];
    for (const key of [2, 3, 4]) {
      later.push(doubling.double(key));
      await turn();
    }
    expect(doubling.batches).toEqual([[1]]);
    await doubling.end();
    await doubling.end();
    expect(doubling.batches).toEqual([[1], [2, 3, 4]]);
    expect(await first).toBe(2);
    expect(await Promise.all(later)).toEqual([4, 6, 8]);
  });

  it('never make a batch larger than its limit, one after the other', async () => {
    const doubling = new Doubling(2);
    const answers = Promise.all([1, 2, 3, 4, 5].map(doubling.double));
    await turn();
    expect(doubling.batches).toEqual([[1, 2]]);
    for (let batch = 0; batch < 3; batch += 1) await doubling.end();
    expect(doubling.batches).toEqual([[1, 2], [3, 4], [5]]);
    expect(await answers).toEqual([2, 4, 6, 8, 10]);
  });
});
