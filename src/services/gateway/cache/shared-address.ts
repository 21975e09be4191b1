/**
 * The address under which all visitors share an answer.
 *
 * Who comes from an advertisement or a newsletter brings parameters that mean nothing to the shop
 * (`?fbclid=…`, of its own for each click). Kept and asked for as they come, a campaign's crowd would be
 * a crowd of misses, and anyone could pass by the cache with `?x=1`, `?x=2`. So an answer is kept, and
 * asked for, by the parameters that it can depend on: those of the contract, those of the pages.
 */
import type { Endpoint } from '../../../api/endpoint.ts';
import { pageParameters } from '../../../api/storefront-page.ts';
import { contractParameters } from '../routing/contract-paths.ts';

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

/** From the address as it came. One that the contract does not know stays as it is. */
export type SharedAddress = (url: string) => string;

export function sharedAddress(endpoints: readonly Endpoint[]): SharedAddress {
  const parametersOf = contractParameters(endpoints);
  return (url) => {
    const end = url.indexOf('?');
    if (end < 0) return url;
    const path = url.slice(0, end);
    const known = path.startsWith('/api/') ? parametersOf(path) : ofPages;
    if (known === null) return url;
    const pairs = url
      .slice(end + 1)
      .split('&')
      .map((pair) => ({ pair, name: nameOf(pair) }))
      .filter(({ name }) => known.has(name))
      .sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name))) // those of one name in their order
      .map(({ pair }) => pair);
    return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
  };
}
