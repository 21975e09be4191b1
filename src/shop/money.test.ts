import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatMoney, money, parseAmount } from './money.ts';

const amount = fc.integer({ min: 0, max: 1_000_000_000 });

describe('money', () => {
  it('is a whole number of minor units', () => {
    expect(money(1_299, 'USD')).toEqual({ amount: 1_299, currency: 'USD' });
    for (const wrong of [12.99, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(() => money(wrong, 'USD')).toThrow(RangeError);
    }
  });
});

describe('a decimal amount', () => {
  it.each([
    ['12', 1_200],
    ['12.5', 1_250],
    ['12.99', 1_299],
    ['12.', 1_200],
    ['0.05', 5],
    ['12.9900', 1_299],
    [' 7.10 ', 710],
    ['999999999999.99', 99_999_999_999_999],
  ])('%j is %i cents', (text, cents) => {
    expect(parseAmount(text)).toBe(cents);
  });

  it.each(['', '.', '.5', '-1', '+1', '1e3', '1,50', '12.995', '1 000', '0x10', '1234567890123'])(
    '%j is none',
    (text) => {
      expect(parseAmount(text)).toBeNull();
    },
  );

  it('is read as it was written', () => {
    const property = fc.property(amount, (cents) => {
      expect(parseAmount((cents / 100).toFixed(2))).toBe(cents);
    });
    fc.assert(property);
  });
});

describe('money for people', () => {
  it('has the currency’s sign and digits', () => {
    expect(formatMoney(money(1_299, 'USD'))).toBe('$12.99');
    expect(formatMoney(money(1_299, 'JPY'))).toBe('¥1,299');
    expect(formatMoney(money(0, 'USD'))).toBe('$0.00');
  });
});
