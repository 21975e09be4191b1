/** Which variant a shopper means, and what of it can be said. Pure. */
import type { Product } from '../../src/api/product.ts';

export type VariantFacts = Product['variants'][number];
export type OptionFacts = Product['options'][number];

/** The variant that the address names, or the first that can be bought, or the first. */
export function startingVariant<T extends VariantFacts>(
  variants: readonly T[],
  wantedSku: string | null,
): T | undefined {
  const wanted = variants.find((variant) => variant.sku === wantedSku);
  return wanted ?? variants.find((variant) => variant.available > 0) ?? variants[0];
}

/**
 * The variant after one option was changed: the same in all other options where that exists,
 * otherwise any that has the new value, one in stock first.
 */
export function variantAfterChoice<T extends VariantFacts>(
  variants: readonly T[],
  current: T,
  name: string,
  value: string,
): T | undefined {
  const wanted = { ...current.options, [name]: value };
  const exact = variants.find(({ options }) =>
    Object.entries(wanted).every(([option, choice]) => options[option] === choice),
  );
  if (exact !== undefined) return exact;
  return startingVariant(
    variants.filter(({ options }) => options[name] === value),
    null,
  );
}

/** A product without real options has one called "Title" with one value. */
export function realOptions(options: readonly OptionFacts[]): readonly OptionFacts[] {
  return options.filter(({ name, values }) => values.length > 1 || name !== 'Title');
}

export type StockLevel = 'sold-out' | 'few' | 'plenty';

const fewMax = 20;

export function stockLevel(available: number): StockLevel {
  if (available <= 0) return 'sold-out';
  return available <= fewMax ? 'few' : 'plenty';
}

export function stockText(available: number): string {
  const level = stockLevel(available);
  if (level === 'sold-out') return 'Sold out';
  return level === 'few' ? `${available} left` : 'In stock';
}

/** How many one purchase may take of a variant: what is there, within the shop's limit. */
export const quantityMaxPerLine = 99;

export function clampQuantity(quantity: number, available: number): number {
  const most = Math.max(1, Math.min(available, quantityMaxPerLine));
  return Number.isFinite(quantity) ? Math.min(Math.max(1, Math.trunc(quantity)), most) : 1;
}
