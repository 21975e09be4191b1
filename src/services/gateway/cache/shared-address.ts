/**
 * The address under which all visitors share an answer: the key of the cache.
 *
 * Links in advertisements and newsletters have parameters that mean nothing to the shop and differ
 * for each click (`?fbclid=…`). With them in the key each click would be a cache miss, and anyone
 * could bypass the cache with `?x=1`, `?x=2`. So the key has only the parameters on which an answer
 * can depend: those of the contract and those of the pages.
 */
import type { Endpoint } from '../../../api/endpoint.ts';
import { pageParameters } from '../../../api/storefront-page.ts';
import { operationsAt } from '../routing/contract-paths.ts';
import { pathOf } from '../routing/request-target.ts';

const ofPages: ReadonlySet<string> = new Set(pageParameters);

/** The decoded name in `name=value`; empty, as no parameter is, where it cannot be decoded. */
function nameOf(pair: string): string {
  const [name = ''] = pair.split('=', 1);
  try {
    return decodeURIComponent(name.replaceAll('+', ' '));
  } catch {
    return '';
  }
}

const byOperation = new Map<Endpoint, ReadonlySet<string>>();

/** The parameters on which an answer at this path may depend; null where the path is unknown. */
function parametersOf(path: string): ReadonlySet<string> | null {
  if (!path.startsWith('/api/')) return ofPages;
  const operation = operationsAt(path)?.get('GET');
  if (operation === undefined) return null;
  const known =
    byOperation.get(operation) ?? new Set(Object.keys(operation.query?.properties ?? {}));
  byOperation.set(operation, known);
  return known;
}

/** `target`: as the request has it. A target that the contract does not know is not changed. */
export function sharedAddress(target: string): string {
  const path = pathOf(target);
  if (path === target) return target;
  const known = parametersOf(path);
  if (known === null) return target;
  const pairs = target
    .slice(path.length + 1)
    .split('&')
    .map((pair) => ({ pair, name: nameOf(pair) }))
    .filter(({ name }) => known.has(name))
    .sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name))) // stable for equal names
    .map(({ pair }) => pair);
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
}
