import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { priceOf } from './pricing.ts';

const line = fc.record({
  sku: fc.string(),
  quantity: fc.integer({ min: 1, max: 1_000 }),
  unitPrice: fc.nat(10_000_000),
});
const adjustment = fc.record({
  title: fc.string(),
  amount: fc.integer({ min: -1_000_000, max: 1_000_000 }),
});
const purchase = fc.tuple(
  fc.array(line, { maxLength: 20 }),
  fc.array(adjustment, { maxLength: 5 }),
);

describe('the price of a purchase', () => {
  it('has parts that add up, to nothing below zero', () => {
    const property = fc.property(purchase, ([lines, adjustments]) => {
      const price = priceOf(lines, adjustments);
      let subtotal = 0n;
      for (const { quantity, unitPrice } of lines) subtotal += BigInt(quantity) * BigInt(unitPrice);
      const added = adjustments.reduce((sum, { amount }) => sum + BigInt(amount), subtotal);
      expect(BigInt(price.subtotal)).toBe(subtotal);
      expect(BigInt(price.total)).toBe(added < 0n ? 0n : added);
      const totals = price.lines.map((each) => each.lineTotal);
      expect(totals.reduce((sum, each) => sum + each, 0)).toBe(price.subtotal);
    });
    fc.assert(property);
  });

  it('keeps each line and adjustment as it came', () => {
    const property = fc.property(purchase, ([lines, adjustments]) => {
      const price = priceOf(lines, adjustments);
      expect(price.lines.map(({ lineTotal: _total, ...rest }) => rest)).toEqual(lines);
      expect(price.adjustments).toEqual(adjustments);
    });
    fc.assert(property);
  });

  it('does not depend on the order of lines, nor on how their units are grouped', () => {
    const property = fc.property(fc.array(line, { minLength: 1 }), (lines) => {
      const single = lines.flatMap((each) => [
        { ...each, quantity: 1 },
        ...(each.quantity > 1 ? [{ ...each, quantity: each.quantity - 1 }] : []),
      ]);
      expect(priceOf(lines.toReversed()).total).toBe(priceOf(lines).total);
      expect(priceOf(single).total).toBe(priceOf(lines).total);
    });
    fc.assert(property);
  });

  it('is exact, or there is none', () => {
    expect(priceOf([]).total).toBe(0);
    expect(() => priceOf([{ quantity: 0.5, unitPrice: 1 }])).toThrow(RangeError);
    expect(() => priceOf([{ quantity: 2, unitPrice: 2 ** 52 }])).toThrow(RangeError);
  });
});
