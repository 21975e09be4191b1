/**
 * What someone wants a product to be: a product file, or the owner in the admin. Everything that
 * writes products goes through a draft, so that both mean the same. A field that a draft does not
 * have stays as it is; a new product begins with the usual value.
 */
import { handleFrom } from './handle.ts';
import type { Image } from './product.ts';
import type { Status, WeightUnit } from './product-fields.ts';

/** The fields that a file, the admin and the rows of the database name alike. */
export interface VariantFields {
  readonly sku: string;
  readonly optionValues: readonly string[];
  /** Minor units. */
  readonly price: number;
  readonly compareAt: number | null;
  /** False: always for sale; the count is kept for when it is counted again. */
  readonly counted: boolean;
  /** Empty: the first picture of the product. */
  readonly imageUrl: string;
  readonly barcode: string;
  readonly grams: number | null;
  readonly weightUnit: WeightUnit;
  /** What the owner pays, in minor units. No shopper sees it. */
  readonly cost: number | null;
}

export interface ProductFields {
  readonly title: string;
  /** Sanitised. */
  readonly descriptionHtml: string;
  readonly vendor: string;
  readonly type: string;
  readonly tags: readonly string[];
  readonly status: Status;
  /** Whether its page is there and it can be bought; an unlisted one is in no list. */
  readonly published: boolean;
  /** A gift card is kept, and never published: the shop cannot pay with it. */
  readonly giftCard: boolean;
  readonly seoTitle: string;
  readonly seoDescription: string;
  readonly images: readonly Image[];
  readonly optionNames: readonly string[];
}

type Partly<T> = { readonly [K in keyof T]?: T[K] | undefined };

/**
 * A variant is found by its SKU, else by its option values; a draft with neither means the only
 * one. A new one needs a price, and gets a SKU made where it has none.
 */
export interface VariantDraft extends Partly<VariantFields> {
  /** Units in stock from now on. A new variant begins with none. */
  readonly quantity?: number | undefined;
  /** Units that were there when `quantity` was written: the difference is what is meant. */
  readonly quantityBefore?: number | undefined;
  /** Where it was written: a row of the file, or the position in the request. */
  readonly row: number;
}

export interface ProductDraft extends Omit<Partly<ProductFields>, 'images'> {
  /** May be empty where a SKU says which product is meant. */
  readonly handle: string;
  /** False: `handle` is only what a new product would get; a known SKU says which product it is. */
  readonly isByHandle: boolean;
  readonly images?:
    | readonly { readonly url: string; readonly alt?: string | undefined }[]
    | undefined;
  /** True: more of a product that an earlier draft began. Its pictures come behind those. */
  readonly isMore: boolean;
  /** Titles of collections. Null: by type, or else by tags. */
  readonly collections?: readonly string[] | null | undefined;
  readonly variants: readonly VariantDraft[];
  /** True: what is not among `variants` is no longer sold. */
  readonly hasAllVariants: boolean;
  /** Whether a new variant is counted that says nothing of it. */
  readonly countsNew: boolean;
  /** True for a file: what is taken or missing is made up, with a note. False: it is refused. */
  readonly isLenient: boolean;
  readonly row: number;
}

/** The fields of a draft that an error can point at. */
export type DraftField =
  | Exclude<keyof ProductFields, 'descriptionHtml' | 'images' | 'optionNames'>
  | Exclude<keyof VariantFields, 'counted' | 'optionValues'>
  | `option${1 | 2 | 3}${'Name' | 'Value'}`
  | 'handle'
  | 'description'
  | 'category'
  | 'collection'
  | 'quantity'
  | 'quantityBefore'
  | 'tracker'
  | 'policy'
  | 'imagePosition'
  | 'imageAlt'
  | 'variantImage';

/** An error, or a note on what was understood. */
export interface DraftRemark {
  readonly row: number;
  readonly field: DraftField;
  readonly message: string;
}

/**
 * A product's collections: those that it names; else the one of its type; else those of its tags.
 * Product files rarely name collections, but nearly always group by type or by tag.
 */
export function collectionTitles(product: {
  readonly collections: readonly string[] | null;
  readonly type: string;
  readonly tags: readonly string[];
}): readonly string[] {
  if (product.collections !== null) return product.collections;
  return product.type === '' ? product.tags : [product.type];
}

/**
 * Whether a product is just where its type or its tags put it. By handle, as a collection is known:
 * its title is that of the product that came first.
 */
export function hasUsualCollections(product: {
  readonly collections: readonly string[];
  readonly type: string;
  readonly tags: readonly string[];
}): boolean {
  const usual = collectionHandles(collectionTitles({ ...product, collections: null }));
  const actual = collectionHandles(product.collections);
  return usual.size === actual.size && actual.isSubsetOf(usual);
}

function collectionHandles(titles: readonly string[]): Set<string> {
  return new Set(titles.map(handleFrom).filter((handle) => handle !== ''));
}
