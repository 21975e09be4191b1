import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isOrderToken, orderToken } from './order-token.ts';

const key = Buffer.alloc(32, 7);
const id = '019a4b1c-0000-7000-8000-000000000001';

describe('an order’s token', () => {
  it('is always the same for a checkout, and opens it', () => {
    const token = orderToken(key, id);
    expect(orderToken(Buffer.from(key), id)).toBe(token);
    expect(isOrderToken(key, id, token)).toBe(true);
  });

  it('has at least 128 bits and fits into an address as it is', () => {
    expect(orderToken(key, id)).toMatch(/^[\w-]{22,}$/);
  });

  it('opens no other checkout and no other shop', () => {
    const token = orderToken(key, id);
    expect(isOrderToken(key, id.replace(/1$/, '2'), token)).toBe(false);
    expect(isOrderToken(Buffer.alloc(32, 8), id, token)).toBe(false);
  });

  it('is not opened by anything else', () => {
    const token = orderToken(key, id);
    for (const wrong of ['', token.slice(1), `${token}A`, token.toLowerCase(), `${token}\0`]) {
      expect(isOrderToken(key, id, wrong)).toBe(false);
    }
    const property = fc.property(fc.string(), (given) => {
      expect(isOrderToken(key, id, given)).toBe(given === token);
    });
    fc.assert(property);
  });

  it('reads the key alone, wherever in memory it lies', () => {
    const shared = Buffer.alloc(96, 1);
    key.copy(shared, 32);
    expect(orderToken(shared.subarray(32, 64), id)).toBe(orderToken(key, id));
  });
});
