/** What the owner sends, as a draft. Pure: the product as it is comes in as an argument. */
import type { NewProduct, ProductChange, VariantChange } from '../../api/admin-product.ts';
import { lineQuantityMax } from '../../shop/cart.ts';
import { cleanHandle, handleFrom } from '../../shop/handle.ts';
import { shopCurrency, unitPriceMax, type Variant } from '../../shop/product.ts';
import {
  hasUsualCollections,
  type ProductDraft,
  type VariantDraft,
} from '../../shop/product-draft.ts';
import { sanitizeDescription } from './csv/sanitize-description.ts';
import type { OwnerProduct } from './product-reads.ts';

export interface DraftFault {
  readonly path: string;
  readonly message: string;
}

export interface OwnerDraft {
  readonly draft: ProductDraft;
  readonly faults: readonly DraftFault[];
}

export function draftOfNew(body: NewProduct): OwnerDraft {
  const handle = cleanHandle(body.handle ?? '') || handleFrom(body.title);
  const draft = {
    handle,
    title: body.title.trim(),
    descriptionHtml: sanitizeDescription(body.descriptionHtml ?? ''),
    vendor: body.vendor?.trim() ?? '',
    type: body.type?.trim() ?? '',
    tags: unique(body.tags ?? []),
    published: body.published ?? true,
    images: (body.images ?? []).map(({ url, alt = '' }) => ({ url, alt })),
    collections: body.collections === undefined ? null : unique(body.collections),
    row: 0,
    ...variantsOf(body.variants, []),
  };
  const faults = faultsOf(draft, body.variants);
  if (handle === '') faults.push({ path: 'body/handle', message: 'is needed for this title' });
  return { draft, faults };
}

/** Fields that are not named stay as they are; the count of a variant too. */
export function draftOfChange(product: OwnerProduct, change: ProductChange): OwnerDraft {
  const kept = product.variants.map((variant): VariantChange => {
    return { sku: variant.sku, options: variant.options };
  });
  const variants = change.variants ?? kept;
  const draft = {
    handle: product.handle,
    title: change.title?.trim() ?? product.title,
    descriptionHtml:
      change.descriptionHtml === undefined
        ? product.descriptionHtml
        : sanitizeDescription(change.descriptionHtml),
    vendor: change.vendor?.trim() ?? product.vendor,
    type: change.type?.trim() ?? product.type,
    tags: change.tags === undefined ? product.tags : unique(change.tags),
    published: change.published ?? product.published,
    images: change.images?.map(({ url, alt = '' }) => ({ url, alt })) ?? product.images,
    collections: collectionsAfter(product, change),
    row: 0,
    ...variantsOf(variants, product.variants),
  };
  return { draft, faults: faultsOf(draft, variants) };
}

/** A product that stands where its type put it moves when its type changes. */
function collectionsAfter(product: OwnerProduct, change: ProductChange): readonly string[] | null {
  if (change.collections !== undefined) return unique(change.collections);
  return hasUsualCollections(product) ? null : product.collections;
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names.map((name) => name.trim()).filter((name) => name !== ''))];
}

/** Option names are those of the first variant; a variant that is changed by SKU keeps its own. */
function variantsOf(changes: readonly VariantChange[], existing: readonly Variant[]) {
  const bySku = new Map(existing.map((variant) => [variant.sku, variant]));
  const known = (change: VariantChange) => bySku.get(change.sku ?? '');
  const optionsOf = (change: VariantChange) => change.options ?? known(change)?.options ?? {};
  const [first] = changes;
  const optionNames = first === undefined ? [] : Object.keys(optionsOf(first));
  const variants = changes.map((change): VariantDraft => {
    const before = known(change);
    const options = optionsOf(change);
    const compareAt =
      change.compareAtPrice === undefined ? before?.compareAtPrice : change.compareAtPrice;
    return {
      sku: change.sku?.trim() || null,
      optionValues: optionNames.map((name) => options[name]?.trim() ?? ''),
      price: change.price?.amount ?? before?.price.amount ?? null,
      compareAt: compareAt?.amount ?? null,
      counted: change.counted ?? before?.counted ?? null,
      quantity: change.available ?? null,
      imageUrl: null,
      row: 0,
    };
  });
  return { optionNames, variants };
}

function faultsOf(draft: ProductDraft, changes: readonly VariantChange[]): DraftFault[] {
  const faults: DraftFault[] = [];
  const seen = new Set<string>();
  if (draft.title === '') faults.push({ path: 'body/title', message: 'must not be blank' });
  for (const [index, { sku, optionValues, price, counted, quantity }] of draft.variants.entries()) {
    const path = `body/variants/${index}`;
    const claim = (what: string, field: string): void => {
      if (seen.has(what)) faults.push({ path: `${path}/${field}`, message: 'is there twice' });
      seen.add(what);
    };
    if (sku !== null) claim(`sku ${sku}`, 'sku');
    claim(JSON.stringify(optionValues), 'options');
    if (optionValues.includes('')) {
      faults.push({ path: `${path}/options`, message: 'must name a value for every option' });
    }
    // What was read may be sent back as it is.
    if (counted === false && quantity !== null && quantity !== lineQuantityMax) {
      const message = 'cannot be set where `counted` is false';
      faults.push({ path: `${path}/available`, message });
    }
    if (price !== null && price > unitPriceMax) {
      faults.push({ path: `${path}/price`, message: `must be at most ${unitPriceMax}` });
    }
    for (const money of [changes[index]?.price, changes[index]?.compareAtPrice]) {
      if (money && money.currency !== shopCurrency) {
        faults.push({ path: `${path}/price`, message: `must be in ${shopCurrency}` });
      }
    }
  }
  return faults;
}
