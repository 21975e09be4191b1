/** Randomness from a seed: the same seed gives the same crowd on every machine. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
}

/**
 * The generator sfc32 (Chris Doty-Humphrey, PractRand), seeded through splitmix32. `stream`
 * names an independent sequence of the same seed, so that drawing more in one place does not move
 * the draws of another.
 */
export function createRandom(seed: number, stream: string): Random {
  let hash = seed | 0;
  for (const character of stream) hash = Math.imul(hash ^ character.charCodeAt(0), 0x9e3779b1);
  const mix = () => {
    hash = (hash + 0x9e3779b9) | 0;
    let z = hash ^ (hash >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return z ^ (z >>> 15);
  };
  let [a, b, c, counter] = [mix(), mix(), mix(), 1];
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let warmUp = 0; warmUp < 12; warmUp++) next();
  return { next };
}

export function uniform(random: Random, low: number, high: number): number {
  return low + (high - low) * random.next();
}

/** Whole numbers from `low` to `high`, both included. */
export function uniformInteger(random: Random, low: number, high: number): number {
  return low + Math.floor(random.next() * (high - low + 1));
}

/** Every factor between `low` and `high` is as likely as every other. */
export function logUniform(random: Random, low: number, high: number): number {
  return low * (high / low) ** random.next();
}

export function exponential(random: Random, mean: number): number {
  return -mean * Math.log(1 - random.next());
}

export function normal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.next()));
  return radius * Math.cos(2 * Math.PI * random.next());
}
