/**
 * A Bloom filter (Bloom, 1970) of the fingerprints of accepted Idempotency-Keys: "never accepted"
 * is certain, "perhaps" must be looked up. The keys are SHA-256 hashes, so their own bits serve as
 * hash functions and no library is needed. The filter grows by slices of `bitsPerSlice`, each for
 * `keysPerSlice` keys at a false-positive rate of about 1 %.
 */
const bitsPerSlice = 2 ** 23; // 1 MiB
const bitMask = bitsPerSlice - 1;
const keysPerSlice = 800_000;
const probes = 7;

export class KeyFilter {
  readonly #slices: Uint32Array[] = [];
  #countInSlice = keysPerSlice;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** `key` is a fingerprint in UUID form. */
  add(key: string): void {
    if (this.#countInSlice >= keysPerSlice) {
      this.#slices.push(new Uint32Array(bitsPerSlice / 32));
      this.#countInSlice = 0;
    }
    const slice = this.#slices[this.#slices.length - 1] as Uint32Array;
    const [first, step] = halves(key);
    for (let probe = 0; probe < probes; probe += 1) {
      const bit = (first + Math.imul(probe, step)) & bitMask;
      slice[bit >>> 5] = (slice[bit >>> 5] as number) | (1 << (bit & 31));
    }
    this.#countInSlice += 1;
    this.#count += 1;
  }

  mayHave(key: string): boolean {
    const [first, step] = halves(key);
    return this.#slices.some((slice) => {
      for (let probe = 0; probe < probes; probe += 1) {
        const bit = (first + Math.imul(probe, step)) & bitMask;
        if (((slice[bit >>> 5] as number) & (1 << (bit & 31))) === 0) return false;
      }
      return true;
    });
  }
}

/** Double hashing (Kirsch and Mitzenmacher, 2006) from two independent parts of the key. */
function halves(key: string): [number, number] {
  const step = (Number.parseInt(key.slice(24, 32), 16) | 1) >>> 0; // odd: reaches every bit
  return [Number.parseInt(key.slice(0, 8), 16), step];
}
