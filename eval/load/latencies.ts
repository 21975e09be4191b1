import { createHistogram } from 'node:perf_hooks';

/** Latencies in milliseconds, to 0.1 %: Node's HDR histogram (Gil Tene), in whole microseconds. */
export class Latencies {
  readonly #microseconds = createHistogram({ figures: 3 });

  get count(): number {
    return this.#microseconds.count;
  }

  add(milliseconds: number): void {
    this.#microseconds.record(Math.max(1, Math.round(milliseconds * 1_000)));
  }

  /** `share` from 0 to 1. NaN where nothing was added. */
  percentile(share: number): number {
    if (this.count === 0) return Number.NaN;
    return this.#microseconds.percentile(Math.max(Number.MIN_VALUE, share * 100)) / 1_000;
  }
}
