/**
 * Addresses of clients, in one spelling, and the network that a client is counted by: an IPv4
 * address, or the /64 of an IPv6 address, since one line has at least a whole /64 to itself.
 */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

export type Address = ipaddr.IPv4 | ipaddr.IPv6;

const lineBits = 64;
/** Any spelling of an address, with the name of an interface behind it. */
const textLengthMax = 64;

/** IPv4 also where it came as `::ffff:192.0.2.1`; null for what is no address. */
export function readAddress(text: string): Address | null {
  return text.length > textLengthMax || isIP(text) === 0 ? null : ipaddr.process(text);
}

/** `unknown` for what is no address. */
export function networkOf(address: string | undefined): string {
  const read = readAddress(address ?? '');
  if (read === null) return 'unknown';
  if (read.kind() === 'ipv4') return read.toString();
  const parts = (read as ipaddr.IPv6).parts.map((part, at) => (at < lineBits / 16 ? part : 0));
  return `${new ipaddr.IPv6(parts).toString()}/${lineBits}`;
}
