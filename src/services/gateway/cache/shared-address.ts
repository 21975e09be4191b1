/**
 * The address under which all visitors share an answer.
 *
 * Who comes from an advertisement or a newsletter brings parameters that mean nothing to the shop
 * (`?fbclid=…`, of its own for each click). Kept and asked for as they come, a campaign's crowd
 * would be a crowd of misses, and anyone could pass by the cache with `?x=1`, `?x=2`. So an answer
 * is kept, and asked for, by the parameters that it can depend on: those of the contract, those of
 * the pages.
 */
import type { Endpoint } from '../../../api/endpoint.ts';
import { pageParameters } from '../../../api/storefront-page.ts';
import { operationsAt } from '../routing/contract-paths.ts';
import { pathOf } from '../routing/request-target.ts';

const ofPages: ReadonlySet<string> = new Set(pageParameters);

/** The name in `name=value`, or what no parameter is called where it cannot be read. */
function nameOf(pair: string): string {
  const [name = ''] = pair.split('=', 1);
  try {
    return decodeURIComponent(name.replaceAll('+', ' '));
  } catch {
    return '';
  }
}

const byOperation = new Map<Endpoint, ReadonlySet<string>>();

/** What an answer at a path may depend on besides the path; null where the contract is silent. */
function parametersOf(path: string): ReadonlySet<string> | null {
  if (!path.startsWith('/api/')) return ofPages;
  const operation = operationsAt(path)?.get('GET');
  if (operation === undefined) return null;
  const known =
    byOperation.get(operation) ?? new Set(Object.keys(operation.query?.properties ?? {}));
  byOperation.set(operation, known);
  return known;
}

/** From the target as it came. One that the contract does not know stays as it is. */
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
    .sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name))) // one name in its order
    .map(({ pair }) => pair);
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
}
