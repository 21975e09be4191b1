/**
 * What someone wants a product to be: a product file, or the owner in the admin. Everything that
 * writes products goes through a draft, so that both mean the same.
 */
import { handleFrom } from './handle.ts';
import type { Image } from './product.ts';

export interface VariantDraft {
  /** Null: keep the SKU of the variant with the same option values, or make one. */
  readonly sku: string | null;
  readonly optionValues: readonly string[];
  /** Minor units. Null: leave as it is; a new variant needs one. */
  readonly price: number | null;
  readonly compareAt: number | null;
  /** Null: leave as it is; a new variant is counted. */
  readonly counted: boolean | null;
  /**
   * Units that shall be on the shelf. Null: leave as it is; a new variant begins with none. It has no
   * meaning for a variant that is not counted.
   */
  readonly quantity: number | null;
  /** Null: leave as it is. */
  readonly imageUrl: string | null;
  /** Where it was written, to name it in an error. 0 where it came from no file. */
  readonly row: number;
}

export interface ProductDraft {
  readonly handle: string;
  readonly title: string;
  /** Sanitised. */
  readonly descriptionHtml: string;
  readonly vendor: string;
  readonly type: string;
  readonly tags: readonly string[];
  readonly published: boolean;
  readonly images: readonly Image[];
  readonly optionNames: readonly string[];
  /** Titles of collections. Null: by type, or else by tags. */
  readonly collections: readonly string[] | null;
  readonly variants: readonly VariantDraft[];
  readonly row: number;
}

/** The fields of a draft that an error can point at. */
export type DraftField =
  | 'handle'
  | 'title'
  | 'description'
  | 'vendor'
  | 'type'
  | 'tags'
  | 'published'
  | 'status'
  | 'option1Name'
  | 'option1Value'
  | 'option2Name'
  | 'option2Value'
  | 'option3Name'
  | 'option3Value'
  | 'sku'
  | 'price'
  | 'compareAt'
  | 'quantity'
  | 'imageUrl'
  | 'imagePosition'
  | 'imageAlt'
  | 'variantImage'
  | 'category'
  | 'collection';

export interface DraftError {
  readonly row: number;
  readonly field: DraftField;
  readonly message: string;
}

/**
 * A product's collections: those that it names; else the one of its type; else those of its tags.
 * Product files rarely name collections, but nearly always group by type or by tag.
 */
export function collectionTitles(
  draft: Pick<ProductDraft, 'collections' | 'type' | 'tags'>,
): readonly string[] {
  if (draft.collections !== null) return draft.collections;
  return draft.type === '' ? draft.tags : [draft.type];
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
