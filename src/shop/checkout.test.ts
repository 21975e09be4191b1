import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CheckoutLine, mergeLines } from './checkout.ts';

const line = (sku: string, quantity: number): CheckoutLine => ({ sku, quantity });

describe('lines of a checkout', () => {
  it('that name the same SKU are added up, in the order of their first mention', () => {
    const lines = [line('B', 1), line('A', 2), line('B', 3), line('C', 1), line('A', 1)];
    expect(mergeLines(lines)).toEqual([line('B', 4), line('A', 3), line('C', 1)]);
  });

  it('that are all different stay as they are', () => {
    expect(mergeLines([])).toEqual([]);
    expect(mergeLines([line('A', 2)])).toEqual([line('A', 2)]);
    expect(mergeLines([line('B', 1), line('A', 2)])).toEqual([line('B', 1), line('A', 2)]);
  });

  it('keep every unit that was asked for, each SKU once', () => {
    const sku = fc.constantFrom('A', 'B', 'C', '__proto__', 'constructor');
    const lines = fc.array(fc.record({ sku, quantity: fc.integer({ min: 1, max: 1_000 }) }));
    const unitsOf = (of: readonly CheckoutLine[], wanted: string): number =>
      of.filter((each) => each.sku === wanted).reduce((sum, each) => sum + each.quantity, 0);
    const property = fc.property(lines, sku, (given, wanted) => {
      const merged = mergeLines(given);
      expect(unitsOf(merged, wanted)).toBe(unitsOf(given, wanted));
      expect(new Set(merged.map((each) => each.sku)).size).toBe(merged.length);
      expect(mergeLines(merged)).toEqual(merged);
    });
    fc.assert(property);
  });
});
