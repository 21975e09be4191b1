import { describe, expect, it } from 'vitest';
import { readBoolean, readPrice, readQuantity } from './cell-values.ts';

describe('a price', () => {
  it.each([
    ['12', 1_200],
    ['12.5', 1_250],
    ['12,50', 1_250],
    ['1,234.50', 123_450],
    ['1.234,50', 123_450],
    ['1 234,50', 123_450],
    ["1'234.50", 123_450],
    ['1,234', 123_400],
    ['12.9900', 1_299],
    ['$12.50', 1_250],
    ['12.50 USD', 1_250],
  ])('%j is %i cents', (cell, amount) => {
    expect(readPrice(cell)).toEqual({ value: amount });
  });

  it.each(['', 'cheap', '-1', '1.250', '1,2,3', '1.2.3', '12.999', '€ 3', '1e3', '12.50 EUR'])(
    '%j is refused',
    (cell) => {
      expect(readPrice(cell).fault).toEqual(expect.any(String));
    },
  );
});

describe('a quantity', () => {
  it.each([
    ['5', 5],
    ['5.0', 5],
    ['5,00', 5],
    ['1,000', 1_000],
    ['1.000.000', 1_000_000],
    ['-0', 0],
  ])('%j is %i', (cell, units) => {
    expect(readQuantity(cell)).toEqual({ value: units });
  });

  it('below zero is none, with a word', () => {
    expect(readQuantity('-3')).toMatchObject({ value: 0, note: expect.stringContaining('-3') });
  });

  it.each(['five', '0.5', '1.000', '1e3', '9999999999', '--3'])('%j is refused', (cell) => {
    expect(readQuantity(cell).fault).toEqual(expect.any(String));
  });
});

describe('yes or no', () => {
  it('is read as spreadsheets of several countries write it', () => {
    const values = (...cells: string[]) => cells.map((cell) => readBoolean(cell).value);
    expect(values('TRUE', '1', 'WAHR', 'vrai')).toEqual([true, true, true, true]);
    expect(values('False', 'FALSCH', 'no')).toEqual([false, false, false]);
    expect(readBoolean('perhaps').fault).toMatch(/neither true nor false/);
  });
});
