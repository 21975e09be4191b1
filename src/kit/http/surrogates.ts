/**
 * Surrogate keys: the things that an answer shows and in which versions, so that a cache can remove
 * it when one of them changes. `Surrogate-Key: item-12 list`, `Surrogate-Version: 7 31`.
 */
export interface Surrogate {
  readonly key: string;
  readonly version: number;
}

const surrogatesMax = 500;

/** Null where there are none, too many, or not as many versions as keys. */
export function surrogatesOf(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): readonly Surrogate[] | null {
  const [keys, versions] = [headers['surrogate-key'], headers['surrogate-version']];
  if (typeof keys !== 'string' || typeof versions !== 'string') return null;
  const names = keys.split(' ').filter(Boolean);
  const numbers = versions.split(' ').filter(Boolean).map(Number);
  if (names.length === 0 || names.length > surrogatesMax) return null;
  if (names.length !== numbers.length || !numbers.every(Number.isSafeInteger)) return null;
  return names.map((key, index) => ({ key, version: numbers[index] ?? 0 }));
}
