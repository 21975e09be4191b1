/** Latencies in milliseconds, kept one by one: exact percentiles, 8 bytes each. */
export class Latencies {
  #values = new Float64Array(1_024);
  #count = 0;
  #sorted = true;

  get count(): number {
    return this.#count;
  }

  add(milliseconds: number): void {
    if (this.#count === this.#values.length) {
      const larger = new Float64Array(this.#count * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#count] = milliseconds;
    this.#count += 1;
    this.#sorted = false;
  }

  /** Nearest-rank percentile, `share` from 0 to 1. NaN where nothing was added. */
  percentile(share: number): number {
    if (!this.#sorted) {
      this.#values.subarray(0, this.#count).sort();
      this.#sorted = true;
    }
    if (this.#count === 0) return Number.NaN;
    const rank = Math.min(this.#count - 1, Math.ceil(share * this.#count) - 1);
    return this.#values[Math.max(0, rank)] ?? Number.NaN;
  }
}
