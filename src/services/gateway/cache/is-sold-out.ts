/** Finds out from the cache whether a product's page has nothing left to sell. */
import { getProductEndpoint } from '../../../api/product.ts';
import type { CachedReads } from './cached-reads.ts';

/** False for other pages, and where the cache does not know. */
export function isSoldOut(reads: Pick<CachedReads, 'cache'>, url: string): boolean {
  const handle = /^\/products\/([^/?]+)/.exec(url)?.[1];
  if (handle === undefined) return false;
  const data = reads.cache.lookup(getProductEndpoint.path.replace('{handle}', handle));
  if (data === undefined || data.status !== 200) return false;
  try {
    const { variants } = JSON.parse(data.identity.body.toString()) as {
      variants: readonly { readonly available: number }[];
    };
    return variants.every(({ available }) => available <= 0);
  } catch {
    return false;
  }
}
