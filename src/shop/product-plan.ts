/**
 * What saving a draft means, given what the shop already holds: which variant is which, what its
 * SKU and price become, how many units a count adds or removes. Pure; the caller holds the locks
 * and writes the plan down.
 */
import { firstFree, skuFrom } from './handle.ts';
import { gatherOptions, type ProductOption } from './product.ts';
import type { DraftError, ProductDraft, VariantDraft } from './product-draft.ts';

export interface ExistingVariant {
  readonly id: number;
  readonly productId: number;
  readonly sku: string;
  readonly optionValues: readonly string[];
  readonly price: number;
  readonly compareAt: number | null;
  readonly available: number;
  readonly counted: boolean;
}

export interface PlannedVariant {
  /** Null: a new one. */
  readonly id: number | null;
  readonly sku: string;
  readonly title: string;
  readonly optionValues: readonly string[];
  readonly price: number;
  readonly compareAt: number | null;
  readonly counted: boolean;
  /** Where it is not counted: the last count. */
  readonly available: number;
  /** Units that this plan adds (or, below zero, takes off the shelf). */
  readonly change: number;
  /** Null: leave as it is. */
  readonly imageUrl: string | null;
}

export interface ProductPlan {
  readonly draft: ProductDraft;
  /** Null: a new one. */
  readonly productId: number | null;
  readonly options: readonly ProductOption[];
  readonly variants: readonly PlannedVariant[];
  /** Live variants that the draft no longer has. */
  readonly retired: readonly ExistingVariant[];
  /** SKUs that the product no longer has: of retired variants, and of those that get another. */
  readonly skusGivenUp: readonly string[];
  readonly priceMin: number;
  readonly priceMax: number;
  /** Of the cheapest variant. */
  readonly compareAt: number | null;
  readonly units: number;
}

export interface Holdings {
  /** Ids of live products by handle. */
  readonly products: ReadonlyMap<string, number>;
  /** Live variants by SKU: those of these products, and holders of a SKU that a draft wants. */
  readonly variants: ReadonlyMap<string, ExistingVariant>;
}

export interface Planning {
  readonly plans: readonly ProductPlan[];
  readonly errors: readonly DraftError[];
}

/** Plans in order. A draft with an error is left out; drafts have different handles. */
export function planProducts(drafts: readonly ProductDraft[], holdings: Holdings): Planning {
  const plans: ProductPlan[] = [];
  const errors: DraftError[] = [];
  const taken = new Set(holdings.variants.keys());
  for (const { variants } of drafts) {
    for (const { sku } of variants) if (sku !== null) taken.add(sku);
  }
  const ofProduct = Map.groupBy(holdings.variants.values(), (variant) => variant.productId);
  for (const draft of drafts) {
    const productId = holdings.products.get(draft.handle) ?? null;
    const existing = productId === null ? [] : (ofProduct.get(productId) ?? []);
    const found = refusals(draft, existing, holdings);
    if (found.length > 0) errors.push(...found);
    else plans.push(planProduct(draft, productId, existing, taken));
  }
  return { plans, errors };
}

/** The candidates among which a missing SKU is chosen, so that the caller can look them up. */
export function skuCandidates(draft: ProductDraft): string[] {
  return draft.variants.flatMap(({ sku, optionValues }) => {
    if (sku !== null) return [sku];
    const base = skuFrom(draft.handle, optionValues);
    return [base, ...Array.from({ length: 8 }, (_, index) => `${base}-${index + 2}`)];
  });
}

function refusals(
  draft: ProductDraft,
  existing: readonly ExistingVariant[],
  { variants }: Holdings,
): DraftError[] {
  const errors: DraftError[] = [];
  const own = new Set(existing.map((variant) => variant.id));
  const matches = matchVariants(draft, existing);
  for (const [index, { sku, price, row }] of draft.variants.entries()) {
    const holder = sku === null ? undefined : variants.get(sku);
    if (holder !== undefined && !own.has(holder.id)) {
      errors.push({ row, field: 'sku', message: `the SKU "${sku}" belongs to another product` });
    }
    if (price === null && matches[index] === undefined) {
      errors.push({ row, field: 'price', message: 'a new variant needs a price' });
    }
  }
  return errors;
}

/** By SKU first, then by option values: a variant may get another SKU, or other values. */
function matchVariants(
  draft: ProductDraft,
  existing: readonly ExistingVariant[],
): (ExistingVariant | undefined)[] {
  const free = new Map(existing.map((variant) => [variant.sku, variant]));
  const matches = draft.variants.map(({ sku }) => {
    const match = sku === null ? undefined : free.get(sku);
    if (match !== undefined) free.delete(match.sku);
    return match;
  });
  const byValues = new Map([...free.values()].map((each) => [valuesKey(each), each]));
  return draft.variants.map((variant, index) => {
    if (matches[index] !== undefined) return matches[index];
    const match = byValues.get(valuesKey(variant));
    byValues.delete(valuesKey(variant));
    return match;
  });
}

function valuesKey({ optionValues }: { readonly optionValues: readonly string[] }): string {
  return JSON.stringify(optionValues);
}

function planProduct(
  draft: ProductDraft,
  productId: number | null,
  existing: readonly ExistingVariant[],
  taken: Set<string>,
): ProductPlan {
  const matches = matchVariants(draft, existing);
  const variants = draft.variants.map((variant, index) =>
    planVariant(variant, matches[index], () => {
      const sku = firstFree(skuFrom(draft.handle, variant.optionValues), (each) => taken.has(each));
      taken.add(sku);
      return sku;
    }),
  );
  const kept = new Set(matches.flatMap((match) => (match === undefined ? [] : [match.id])));
  const skus = new Set(variants.map(({ sku }) => sku));
  const cheapest = variants.reduce((a, b) => (b.price < a.price ? b : a));
  return {
    draft,
    productId,
    options: gatherOptions(
      draft.optionNames,
      variants.map((variant) => variant.optionValues),
    ),
    variants,
    retired: existing.filter((variant) => !kept.has(variant.id)),
    skusGivenUp: existing.map(({ sku }) => sku).filter((sku) => !skus.has(sku)),
    priceMin: cheapest.price,
    priceMax: Math.max(...variants.map((variant) => variant.price)),
    compareAt: cheapest.compareAt,
    units: variants.reduce((sum, variant) => sum + variant.available, 0),
  };
}

function planVariant(
  draft: VariantDraft,
  match: ExistingVariant | undefined,
  makeSku: () => string,
): PlannedVariant {
  const before = match?.available ?? 0;
  const counted = draft.counted ?? match?.counted ?? true;
  const available = counted ? (draft.quantity ?? before) : before;
  return {
    id: match?.id ?? null,
    sku: draft.sku ?? match?.sku ?? makeSku(),
    title: draft.optionValues.join(' / '),
    optionValues: draft.optionValues,
    price: draft.price ?? match?.price ?? 0, // refusals() has seen to a price
    compareAt: draft.price === null ? (match?.compareAt ?? null) : draft.compareAt,
    counted,
    available,
    change: available - before,
    imageUrl: draft.imageUrl,
  };
}
