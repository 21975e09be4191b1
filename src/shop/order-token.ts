import { hash, timingSafeEqual } from 'node:crypto';

/** Characters of base64url: 132 bits. */
const tokenLength = 22;

/**
 * The unguessable token that opens an order to its guest: SHA-256 over the shop's secret and the
 * checkout's id, cut to 132 bits, base64url. Derived, so it is never stored and always the same.
 * Cut, the hash cannot be extended, so no HMAC is needed (which costs ten times as much here:
 * a key object for each order was an eighth of the worker's time).
 */
export function orderToken(key: Uint8Array, checkoutId: string): string {
  const secret = Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('hex');
  return hash('sha256', `${secret}:order:${checkoutId}`, 'base64url').slice(0, tokenLength);
}

export function isOrderToken(key: Uint8Array, checkoutId: string, given: string): boolean {
  const expected = Buffer.from(orderToken(key, checkoutId));
  const actual = Buffer.from(given);
  return actual.length === expected.length && timingSafeEqual(actual, expected);
}
