/**
 * A product as the shop sells it: a page to look at, and variants to buy. Prices are integer minor
 * units of the shop's one currency; `available` is never negative.
 */
import type { Money } from './money.ts';

/** The shop sells in one currency: a product file names none. */
export const shopCurrency = 'USD';
/** Minor units. A price fits PostgreSQL's integer, so that a ledger row stays small. */
export const unitPriceMax = 2_000_000_000;
export const stockUnitsMax = 1_000_000_000;

export interface Image {
  /** `https://…` or a path of this shop, `/media/…`. */
  readonly url: string;
  readonly alt: string;
}

export interface ProductOption {
  readonly name: string;
  readonly values: readonly string[];
}

export interface Variant {
  readonly id: string;
  readonly sku: string;
  readonly title: string;
  /** Option name to value, e.g. `{"Size": "S"}`; empty where a product comes in one form. */
  readonly options: Readonly<Record<string, string>>;
  readonly price: Money;
  readonly compareAtPrice: Money | null;
  readonly available: number;
  /** False: always for sale; `available` is then the most that a line can hold. */
  readonly counted: boolean;
  /** Null: the product's first picture. */
  readonly imageUrl: string | null;
  readonly barcode: string;
  readonly grams: number | null;
  /** For display; empty: grams. */
  readonly weightUnit: string;
}

export interface Product {
  readonly id: string;
  readonly handle: string;
  readonly title: string;
  readonly descriptionHtml: string;
  /** For search engines; empty: the title, the beginning of the description. */
  readonly seoTitle: string;
  readonly seoDescription: string;
  readonly vendor: string;
  readonly type: string;
  readonly tags: readonly string[];
  readonly images: readonly Image[];
  readonly options: readonly ProductOption[];
  readonly variants: readonly Variant[];
  /** Raised by every change that a reader could see, each sale included. */
  readonly version: number;
}

/** What a list shows. It carries no stock figure, so that a sale leaves every list as it was. */
export interface ProductSummary {
  readonly id: string;
  readonly handle: string;
  readonly title: string;
  readonly vendor: string;
  readonly type: string;
  readonly tags: readonly string[];
  readonly image: Image | null;
  /** Of the cheapest variant. */
  readonly price: Money;
  readonly priceMax: Money;
  readonly compareAtPrice: Money | null;
  readonly inStock: boolean;
  /** The product's version at the last change that a list could show. */
  readonly version: number;
}

/** The values of each option in order of first appearance among the variants. */
export function gatherOptions(
  names: readonly string[],
  variantValues: readonly (readonly string[])[],
): ProductOption[] {
  return names.map((name, index) => ({
    name,
    values: [...new Set(variantValues.map((values) => values[index] ?? ''))],
  }));
}

/** How a receipt names what was bought: "Teddy Bear – S". */
export function soldTitle(productTitle: string, variantTitle: string): string {
  return variantTitle === '' ? productTitle : `${productTitle} – ${variantTitle}`;
}
