/**
 * `DOORBUSTER_TRUSTED_PROXIES`: addresses and ranges of the proxies and load balancers in front of
 * the shop. Only their `Forwarded` headers are trusted; without the setting nobody's are.
 */
import { type Address, readAddress } from './client-network.ts';

type Range = readonly [Address, number];

export type TrustedProxies = (address: Address) => boolean;

function readRange(text: string): Range {
  const [address = '', bits, ...more] = text.split('/');
  const read = readAddress(address);
  const bitsMax = read?.kind() === 'ipv6' ? 128 : 32;
  const length = bits === undefined ? bitsMax : Number(bits);
  const isRange = more.length === 0 && /^\d*$/.test(bits ?? '') && bits !== '';
  if (read !== null && isRange && length <= bitsMax) return [read, length];
  throw new Error(
    'must be addresses or ranges, separated by commas, as in 10.0.0.0/8, 2001:db8::5',
  );
}

/** Throws an error that says what the list must be. */
export function readTrustedProxies(list = ''): TrustedProxies {
  const texts = list.split(',').map((text) => text.trim());
  const ranges = texts.filter((text) => text !== '').map(readRange);
  return (address) =>
    ranges.some(([base, bits]) => address.kind() === base.kind() && address.match(base, bits));
}
