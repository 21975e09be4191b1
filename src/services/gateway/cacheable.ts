/** Reads from an answer's headers what may be done with it. Pure. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Surrogate } from '../../kit/stored-response.ts';

export type Cacheability =
  | { readonly kind: 'keep'; readonly surrogates: readonly Surrogate[] }
  /** The same for everyone who asks at this moment, but not to be kept. */
  | { readonly kind: 'share' }
  /** Somebody's own. */
  | { readonly kind: 'own' };

const keepableStatus: readonly number[] = [200, 301, 308, 404, 410];
const surrogatesMax = 500;

/** `Surrogate-Key: product-12 listing` beside `Surrogate-Version: 7 31`; null where unreadable. */
export function surrogatesOf(headers: IncomingHttpHeaders): readonly Surrogate[] | null {
  const [keys, versions] = [headers['surrogate-key'], headers['surrogate-version']];
  if (typeof keys !== 'string' || typeof versions !== 'string') return null;
  const names = keys.split(' ').filter(Boolean);
  const numbers = versions.split(' ').filter(Boolean).map(Number);
  if (names.length === 0 || names.length > surrogatesMax) return null;
  if (names.length !== numbers.length || !numbers.every(Number.isSafeInteger)) return null;
  return names.map((key, index) => ({ key, version: numbers[index] ?? 0 }));
}

/** `anonymous` answers were asked for without identity, and depend on nothing but the address. */
export function cacheabilityOf(
  status: number,
  headers: IncomingHttpHeaders,
  anonymous: boolean,
): Cacheability {
  const control = headers['cache-control'] ?? '';
  const vary = headers.vary ?? '';
  if (headers['set-cookie'] !== undefined || /private|no-store/.test(control)) {
    return { kind: 'own' };
  }
  if (vary !== '' && !/^accept-encoding$/i.test(vary)) return { kind: 'own' };
  if (status >= 500) return { kind: 'share' };
  if (/\bpublic\b/.test(control) && keepableStatus.includes(status)) {
    const surrogates = surrogatesOf(headers);
    if (surrogates !== null) return { kind: 'keep', surrogates };
    if (/\bimmutable\b/.test(control) && status === 200) return { kind: 'keep', surrogates: [] };
  }
  return { kind: anonymous ? 'share' : 'own' };
}
