/** Decides by the headers of an answer whether it may be cached. Pure. */
import type { IncomingHttpHeaders } from 'node:http';
import { type Surrogate, surrogatesOf } from '../../../kit/http/surrogates.ts';

export type Cacheability =
  /** `keepMs` 0: until one of its surrogates changes; without surrogates for ever. */
  | { readonly kind: 'keep'; readonly surrogates: readonly Surrogate[]; readonly keepMs: number }
  /** Must not be cached, but is the same for everyone who waits for it at this moment. */
  | { readonly kind: 'share' }
  /** For one visitor only. */
  | { readonly kind: 'own' };

const keepableStatus: readonly number[] = [200, 301, 308, 404, 410];
const maxAgeSecondsMin = 600;
const fileMs = 60_000;

/** Files: one that never changes is kept for ever, one that may be old is fetched every minute. */
function keptWithoutSurrogates(control: string): number | null {
  if (/\bimmutable\b/.test(control)) return 0;
  const seconds = Number(/\bmax-age=(\d+)/.exec(control)?.[1] ?? 0);
  return seconds < maxAgeSecondsMin ? null : fileMs;
}

/** `anonymous`: answers depend on the address only, also where their headers do not say so. */
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
  const isPublic = /\bpublic\b/.test(control);
  if (isPublic && keepableStatus.includes(status)) {
    const surrogates = surrogatesOf(headers);
    if (surrogates !== null) return { kind: 'keep', surrogates, keepMs: 0 };
    const keepMs = keptWithoutSurrogates(control);
    if (keepMs !== null && status === 200) return { kind: 'keep', surrogates: [], keepMs };
  }
  return { kind: anonymous || isPublic ? 'share' : 'own' };
}
