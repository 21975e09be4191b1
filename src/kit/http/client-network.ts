/**
 * Addresses of clients in one spelling, and the network by which a client is counted: an IPv4
 * address, or the /64 of an IPv6 address, since one internet line has at least a whole /64.
 */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

export type Address = ipaddr.IPv4 | ipaddr.IPv6;

const prefixBits = 64;
/** Enough for any spelling of an address, followed by the name of an interface. */
const textLengthMax = 64;

/** `::ffff:192.0.2.1` is read as IPv4. Null for a text that is no address. */
export function readAddress(text: string): Address | null {
  return text.length > textLengthMax || isIP(text) === 0 ? null : ipaddr.process(text);
}

/** `unknown` for a text that is no address. */
export function networkOf(address: string | undefined): string {
  const read = readAddress(address ?? '');
  if (read === null) return 'unknown';
  if (read.kind() === 'ipv4') return read.toString();
  const parts = (read as ipaddr.IPv6).parts.map((part, at) => (at < prefixBits / 16 ? part : 0));
  return `${new ipaddr.IPv6(parts).toString()}/${prefixBits}`;
}
