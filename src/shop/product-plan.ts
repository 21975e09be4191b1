/**
 * Plans the saving of a draft: matches it with the existing product and its variants, and computes
 * the new value of each field and the units that a count adds or removes. Pure; the caller holds
 * the locks and writes the plan down.
 */
import { firstFree, skuFrom } from './handle.ts';
import { gatherOptions, type Image, type ProductOption, stockUnitsMax } from './product.ts';
import {
  collectionTitles,
  type DraftRemark,
  hasUsualCollections,
  type ProductDraft,
  type ProductFields,
} from './product-draft.ts';
import {
  type ExistingVariant,
  type PlannedVariant,
  planVariants,
  type SkuRegister,
  type VariantContext,
} from './variant-plan.ts';

/** A file can add to those that are there, again and again. */
const variantsMax = 2_500;

export interface ExistingProduct extends ProductFields {
  readonly id: number;
  readonly handle: string;
  readonly collections: readonly string[];
}

export interface ProductPlan {
  readonly handle: string;
  /** True: more of a product that was planned before, so it is counted already. */
  readonly isMore: boolean;
  readonly fields: ProductFields;
  /** Titles. */
  readonly collections: readonly string[];
  /** Null: a new one. */
  readonly productId: number | null;
  readonly options: readonly ProductOption[];
  readonly variants: readonly PlannedVariant[];
  /** Live variants that are no longer sold. */
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
  readonly products: readonly ExistingProduct[];
  /** Live variants: those of these products, and holders of a SKU that a draft wants. */
  readonly variants: readonly ExistingVariant[];
}

export interface Planning {
  readonly plans: readonly ProductPlan[];
  readonly errors: readonly DraftRemark[];
  readonly notes: readonly DraftRemark[];
}

/** Plans in order. A draft with an error is left out; drafts that mean one product are one plan. */
export function planProducts(drafts: readonly ProductDraft[], holdings: Holdings): Planning {
  const plans: ProductPlan[] = [];
  const errors: DraftRemark[] = [];
  const notes: DraftRemark[] = [];
  const ofProduct = Map.groupBy(holdings.variants, (variant) => variant.productId);
  const skus = registerSkus(drafts, holdings.variants);
  for (const [draft, product] of meantProducts(drafts, holdings)) {
    const failures: DraftRemark[] = [];
    const noted: DraftRemark[] = [];
    const plan = planProduct({
      draft,
      product,
      existing: product === null ? [] : (ofProduct.get(product.id) ?? []),
      skus,
      fail: (row, field, message) => failures.push({ row, field, message }),
      note: (row, field, message) => noted.push({ row, field, message }),
    });
    errors.push(...failures);
    if (plan === null || failures.length > 0) {
      skus.release(new Set(draft.variants.map(({ row }) => row)));
      continue;
    }
    plans.push(plan);
    notes.push(...noted);
  }
  return { plans, errors, notes };
}

/** The SKUs that a draft might get, so that the caller can look them up. */
export function skuCandidates(draft: ProductDraft): string[] {
  return draft.variants.flatMap(({ sku, optionValues = [] }) => {
    const base = sku ?? skuFrom(draft.handle, optionValues);
    return [base, ...Array.from({ length: 8 }, (_, index) => `${base}-${index + 2}`)];
  });
}

/**
 * A draft without a handle means the product of its SKU, unless it has another title: then it is a
 * new product that took a SKU. Drafts of one product become one: what comes later counts.
 */
function meantProducts(
  drafts: readonly ProductDraft[],
  holdings: Holdings,
): [ProductDraft, ExistingProduct | null][] {
  const byHandle = new Map(holdings.products.map((product) => [product.handle, product]));
  const byId = new Map(holdings.products.map((product) => [product.id, product]));
  const bySku = new Map(holdings.variants.map((variant) => [variant.sku, variant.productId]));
  const meant = new Map<number | string | ProductDraft, [ProductDraft, ExistingProduct | null]>();
  for (const draft of drafts) {
    const { handle, isByHandle, title } = draft;
    const holder = byId.get(bySku.get(draft.variants[0]?.sku ?? '') ?? 0);
    const isMeant = !isByHandle && (title === undefined || title === holder?.title);
    const product = byHandle.get(handle) ?? (isMeant ? holder : null) ?? null;
    const key = product?.id ?? (handle || draft);
    const [earlier] = meant.get(key) ?? [];
    meant.set(key, [earlier === undefined ? draft : mergeDrafts(earlier, draft), product]);
  }
  return [...meant.values()];
}

function mergeDrafts(earlier: ProductDraft, later: ProductDraft): ProductDraft {
  const given = Object.entries(later).filter(([, value]) => value !== undefined);
  const { isMore, row } = earlier;
  const variants = [...earlier.variants, ...later.variants];
  const images = later.isMore ? [earlier.images, later.images] : [later.images ?? earlier.images];
  return { ...earlier, ...Object.fromEntries(given), isMore, row, variants, images: flat(images) };
}

/** The lists that are there, in one; undefined where none is. */
function flat<T>(lists: readonly (readonly T[] | undefined)[]): readonly T[] | undefined {
  const there = lists.filter((list) => list !== undefined);
  return there.length === 0 ? undefined : there.flat();
}

function registerSkus(
  drafts: readonly ProductDraft[],
  variants: readonly ExistingVariant[],
): SkuRegister & { release(rows: ReadonlySet<number>): void } {
  const holders = new Map(variants.map(({ sku, productId }) => [sku, productId]));
  const claims = new Map<string, number>();
  const taken = new Set(holders.keys());
  for (const draft of drafts) {
    for (const { sku } of draft.variants) if (sku !== undefined) taken.add(sku);
  }
  return {
    holderOf: (sku, productId) => {
      const holder = holders.get(sku);
      const isFree = holder === undefined || holder === productId;
      return claims.get(sku) ?? (isFree ? null : 'another product');
    },
    claim: (sku, row) => {
      claims.set(sku, row);
      taken.add(sku);
    },
    release: (rows) => {
      for (const [sku, row] of claims) if (rows.has(row)) claims.delete(sku);
    },
    firstFree: (base) => firstFree(base, (sku) => taken.has(sku)),
  };
}

interface PlanContext extends VariantContext {
  readonly product: ExistingProduct | null;
}

function planProduct(context: PlanContext): ProductPlan | null {
  const { draft, product, existing, fail } = context;
  if (product === null && draft.handle === '') {
    for (const { row, sku } of draft.variants) fail(row, 'sku', `no product has the SKU "${sku}"`);
    return null;
  }
  if (product === null && draft.isMore) {
    fail(draft.row, 'handle', 'the first rows of this product could not be imported');
    return null;
  }
  if (product === null && !draft.title) fail(draft.row, 'title', 'a new product needs a title');
  if (product === null && draft.variants.length === 0) {
    fail(draft.row, 'price', 'a new product needs a price');
  }
  const { optionNames, variants, retired } = planVariants(context);
  const [first] = variants;
  if (first === undefined) return null;
  if (variants.length > variantsMax) {
    fail(draft.row, 'sku', `a product has at most ${variantsMax} variants`);
  }
  const cheapest = variants.reduce((a, b) => (b.price < a.price ? b : a), first);
  const units = variants.reduce((sum, variant) => sum + variant.available, 0);
  if (units > stockUnitsMax) {
    const message = `a product holds at most ${stockUnitsMax} units, all variants together`;
    fail(draft.variants[0]?.row ?? draft.row, 'quantity', message);
  }
  const kept = new Set(variants.map(({ sku }) => sku));
  if (draft.giftCard ?? product?.giftCard) remarkOnGiftCard(context);
  const fields = { ...fieldsAfter(draft, product), optionNames };
  return {
    handle: product?.handle ?? draft.handle,
    isMore: draft.isMore,
    fields,
    collections: collectionsAfter(draft, product, fields),
    productId: product?.id ?? null,
    options: gatherOptions(
      optionNames,
      variants.map(({ optionValues }) => optionValues),
    ),
    variants,
    retired,
    skusGivenUp: existing.map(({ sku }) => sku).filter((sku) => !kept.has(sku)),
    priceMin: cheapest.price,
    priceMax: Math.max(...variants.map(({ price }) => price)),
    compareAt: cheapest.compareAt,
    units,
  };
}

function remarkOnGiftCard({ draft, fail, note }: PlanContext): void {
  const message = 'gift cards cannot be sold here yet: it is kept, and not shown';
  if (draft.isLenient) note(draft.row, 'giftCard', message);
  else if (draft.published === true) fail(draft.row, 'published', message);
}

function fieldsAfter(draft: ProductDraft, product: ExistingProduct | null): ProductFields {
  const giftCard = draft.giftCard ?? product?.giftCard ?? false;
  const { title, descriptionHtml, vendor, type, tags, seoTitle, seoDescription } = draft;
  return {
    title: title || (product?.title ?? ''),
    descriptionHtml: descriptionHtml ?? product?.descriptionHtml ?? '',
    vendor: vendor ?? product?.vendor ?? '',
    type: type ?? product?.type ?? '',
    tags: tags ?? product?.tags ?? [],
    ...statusAfter(draft, product, giftCard),
    giftCard,
    seoTitle: seoTitle ?? product?.seoTitle ?? '',
    seoDescription: seoDescription ?? product?.seoDescription ?? '',
    images: imagesAfter(draft, product?.images ?? []),
    optionNames: [],
  };
}

/** Each once. What a picture shows stays as it was where the draft does not say. */
function imagesAfter({ images, isMore }: ProductDraft, before: readonly Image[]): readonly Image[] {
  if (images === undefined) return before;
  const known = new Map(before.map((image) => [image.url, image]));
  const after = new Map(isMore ? known : []);
  for (const { url, alt = known.get(url)?.alt ?? '' } of images) {
    if (!after.has(url)) after.set(url, { url, alt });
  }
  return [...after.values()];
}

/** Who says only that it is published means a public status; a new status is meant at once. */
function statusAfter(
  draft: ProductDraft,
  product: ExistingProduct | null,
  giftCard: boolean,
): Pick<ProductFields, 'status' | 'published'> {
  const before = product?.status ?? 'active';
  const isShown = draft.published === true && before !== 'unlisted';
  const status = draft.status ?? (isShown ? 'active' : before);
  const isPublic = status === 'active' || status === 'unlisted';
  const stays = status === before && (product?.published ?? true);
  const wanted = draft.published ?? (stays || (draft.status !== undefined && status !== before));
  return { status, published: isPublic && wanted && !giftCard };
}

/** A product that stands where its type put it moves when its type changes. */
function collectionsAfter(
  { collections }: ProductDraft,
  product: ExistingProduct | null,
  { type, tags }: ProductFields,
): readonly string[] {
  const before = product === null || hasUsualCollections(product) ? null : product.collections;
  const titles = collections === undefined ? before : collections;
  return collectionTitles({ collections: titles, type, tags });
}
