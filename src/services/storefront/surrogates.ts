/**
 * Surrogate keys of a page, for the gateway's cache. A page made from several catalogue answers
 * names the keys of all, and for each key the oldest version. Pure.
 */
import { surrogatesOf } from '../../kit/http/surrogates.ts';

export interface SurrogateHeaders {
  readonly 'surrogate-key': string;
  readonly 'surrogate-version': string;
}

/**
 * Null where one of the answers has no readable keys and versions: changes of such a page would not
 * be noticed, so it must not be cached.
 */
export function mergeSurrogates(
  answers: readonly Parameters<typeof surrogatesOf>[0][],
): SurrogateHeaders | null {
  const versions = new Map<string, number>();
  for (const headers of answers) {
    const surrogates = surrogatesOf(headers);
    if (surrogates === null) return null;
    for (const { key, version } of surrogates) {
      versions.set(key, Math.min(version, versions.get(key) ?? version));
    }
  }
  if (versions.size === 0) return null;
  return {
    'surrogate-key': [...versions.keys()].join(' '),
    'surrogate-version': [...versions.values()].join(' '),
  };
}
