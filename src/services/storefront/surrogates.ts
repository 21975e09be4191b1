/**
 * Surrogate keys of a page, for the gateway's cache. Each catalogue answer names keys and their
 * versions (`Surrogate-Key: product-12 listing`, `Surrogate-Version: 7 31`). A page made from
 * several answers names them all, and for each key the oldest version. Pure.
 */
export interface SurrogateHeaders {
  readonly 'surrogate-key': string;
  readonly 'surrogate-version': string;
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/**
 * Null where one of the answers names no keys, or not as many versions: changes of such a page
 * would not be noticed, so it must not be cached.
 */
export function mergeSurrogates(answers: readonly Headers[]): SurrogateHeaders | null {
  const versions = new Map<string, number>();
  for (const headers of answers) {
    const keys = words(headers['surrogate-key']);
    const numbers = words(headers['surrogate-version']).map(Number);
    if (keys.length === 0 || keys.length !== numbers.length) return null;
    for (const [index, key] of keys.entries()) {
      const version = numbers[index] ?? Number.NaN;
      if (!Number.isSafeInteger(version)) return null;
      versions.set(key, Math.min(version, versions.get(key) ?? version));
    }
  }
  if (versions.size === 0) return null;
  return {
    'surrogate-key': [...versions.keys()].join(' '),
    'surrogate-version': [...versions.values()].join(' '),
  };
}

function words(header: string | string[] | undefined): string[] {
  const text = Array.isArray(header) ? header.join(' ') : (header ?? '');
  return text.split(/\s+/).filter((word) => word !== '');
}
