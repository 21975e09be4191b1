import { describe, expect, it } from 'vitest';
import {
  clampQuantity,
  realOptions,
  startingVariant,
  stockText,
  type VariantFacts,
  variantAfterChoice,
} from './choose-variant.ts';

const variant = (size: string, colour: string, available: number): VariantFacts => ({
  id: `${size}-${colour}`,
  sku: `${size}-${colour}`,
  title: `${size} / ${colour}`,
  options: { Size: size, Colour: colour },
  price: { amount: 1299, currency: 'USD' },
  compareAtPrice: null,
  available,
  counted: true,
  imageUrl: null,
  barcode: '',
  grams: null,
  weightUnit: '',
});
const [smallRed, smallBlue, largeBlue] = [
  variant('S', 'red', 0),
  variant('S', 'blue', 3),
  variant('L', 'blue', 5),
];
const variants = [smallRed, smallBlue, largeBlue];

describe('the variant that a page starts with', () => {
  it('is the one in the address', () => {
    expect(startingVariant(variants, 'S-red')).toBe(smallRed);
  });

  it('is otherwise the first that can be bought', () => {
    expect(startingVariant(variants, null)).toBe(smallBlue);
    expect(startingVariant(variants, 'gone')).toBe(smallBlue);
  });

  it('is the first of all when everything is sold out, and none where there is none', () => {
    expect(startingVariant([smallRed], null)).toBe(smallRed);
    expect(startingVariant([], null)).toBeUndefined();
  });
});

describe('choosing an option', () => {
  it('keeps the other options where such a variant exists', () => {
    expect(variantAfterChoice(variants, smallRed, 'Colour', 'blue')).toBe(smallBlue);
  });

  it('gives up the other options where it does not', () => {
    expect(variantAfterChoice(variants, smallRed, 'Size', 'L')).toBe(largeBlue);
  });

  it('finds nothing for a value that no variant has', () => {
    expect(variantAfterChoice(variants, smallRed, 'Size', 'XL')).toBeUndefined();
  });

  it('is not offered for the one option of a product without options', () => {
    expect(realOptions([{ name: 'Title', values: ['Default Title'] }])).toEqual([]);
    expect(realOptions([{ name: 'Size', values: ['S'] }])).toHaveLength(1);
  });
});

describe('stock', () => {
  it('is counted out loud when little is left', () => {
    expect([0, 1, 12, 20, 21].map(stockText)).toEqual([
      'Sold out',
      '1 left',
      '12 left',
      '20 left',
      'In stock',
    ]);
  });

  it('bounds what can be asked for', () => {
    expect(clampQuantity(5, 3)).toBe(3);
    expect(clampQuantity(0, 3)).toBe(1);
    expect(clampQuantity(Number.NaN, 3)).toBe(1);
    expect(clampQuantity(2.9, 3)).toBe(2);
    expect(clampQuantity(1_000, 5_000)).toBe(99);
  });
});
