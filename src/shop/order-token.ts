import { createHmac, timingSafeEqual } from 'node:crypto';

const tokenBytes = 16;

/**
 * The unguessable token that opens an order to its guest: HMAC-SHA-256 of the checkout id under
 * the shop's key, 128 bits, base64url. Derived, so it is never stored and always the same.
 */
export function orderToken(key: Uint8Array, checkoutId: string): string {
  const mac = createHmac('sha256', key).update(`order:${checkoutId}`).digest();
  return mac.subarray(0, tokenBytes).toString('base64url');
}

export function isOrderToken(key: Uint8Array, checkoutId: string, given: string): boolean {
  const expected = Buffer.from(orderToken(key, checkoutId));
  const actual = Buffer.from(given);
  return actual.length === expected.length && timingSafeEqual(actual, expected);
}
