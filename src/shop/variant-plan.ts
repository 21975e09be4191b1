/**
 * The variants of one product: matches those of a draft with the existing ones, and computes their
 * new values. Pure.
 */
import { lineQuantityMax } from './cart.ts';
import { firstFree, skuFrom } from './handle.ts';
import type { DraftField, ProductDraft, VariantDraft, VariantFields } from './product-draft.ts';

export interface ExistingVariant extends VariantFields {
  readonly id: number;
  readonly productId: number;
  readonly available: number;
}

export interface PlannedVariant extends VariantFields {
  /** Null: a new one. */
  readonly id: number | null;
  readonly title: string;
  /** Where it is not counted: the last count. */
  readonly available: number;
  /** Units that this plan adds to the stock, or takes from it (below zero). */
  readonly change: number;
}

export interface SkuRegister {
  /** Who else holds a SKU: another product, or the row that claimed it before. Null: nobody. */
  holderOf(sku: string, productId: number | null): 'another product' | number | null;
  claim(sku: string, row: number): void;
  firstFree(base: string): string;
}

export interface VariantContext {
  readonly draft: ProductDraft;
  /** Null: a new product. */
  readonly product: { readonly id: number; readonly optionNames: readonly string[] } | null;
  /** Of this product. */
  readonly existing: readonly ExistingVariant[];
  readonly skus: SkuRegister;
  readonly fail: (row: number, field: DraftField, message: string) => void;
  readonly note: (row: number, field: DraftField, message: string) => void;
}

export interface VariantPlan {
  readonly optionNames: readonly string[];
  readonly variants: readonly PlannedVariant[];
  /** Live variants that are no longer sold. */
  readonly retired: readonly ExistingVariant[];
}

export function planVariants(context: VariantContext): VariantPlan {
  const { draft, product, existing, note } = context;
  const given = draft.variants.length === 0 ? undefined : draft.optionNames;
  const optionNames = given ?? product?.optionNames ?? [];
  const matches = matchVariants(draft.variants, optionNames, existing);
  const planned = new Map<ExistingVariant | VariantDraft, PlannedVariant>();
  const values = new Map<string, VariantDraft>();
  for (const [index, variant] of draft.variants.entries()) {
    const match = matches[index];
    const plan = planVariant(context, variant, match, optionNames, values);
    if (plan !== null) planned.set(match ?? variant, plan);
  }
  const others = existing.filter((variant) => !planned.has(variant));
  const isAll = draft.hasAllVariants || !sameNames(optionNames, product?.optionNames);
  if (isAll && !draft.hasAllVariants && others.length > 0) {
    const skus = others.map(({ sku }) => sku).join(', ');
    note(draft.row, 'option1Name', `other options than before: no longer sold: ${skus}`);
  }
  if (isAll || others.length === 0) {
    return { optionNames, variants: [...planned.values()], retired: isAll ? others : [] };
  }
  for (const variant of others) {
    const namesake = values.get(JSON.stringify(variant.optionValues));
    if (namesake !== undefined) refuseTwin(context, namesake, variant.optionValues);
  }
  // Those that are there keep their order; new ones come behind.
  const before = existing.map((variant) => planned.get(variant) ?? unchanged(variant));
  const fresh = [...planned.values()].filter(({ id }) => id === null);
  return { optionNames, variants: [...before, ...fresh], retired: [] };
}

function sameNames(names: readonly string[], before: readonly string[] | undefined): boolean {
  return before === undefined || JSON.stringify(names) === JSON.stringify(before);
}

function unchanged(variant: ExistingVariant): PlannedVariant {
  const { productId: _, ...fields } = variant;
  return { ...fields, title: variant.optionValues.join(' / '), change: 0 };
}

/** By SKU first, then by option values: a variant may get another SKU, or other values. */
function matchVariants(
  drafts: readonly VariantDraft[],
  optionNames: readonly string[],
  existing: readonly ExistingVariant[],
): (ExistingVariant | undefined)[] {
  const free = new Map(existing.map((variant) => [variant.sku, variant]));
  const matches = drafts.map(({ sku }) => {
    const match = sku === undefined ? undefined : free.get(sku);
    if (match !== undefined) free.delete(match.sku);
    return match;
  });
  const byValues = new Map(
    [...free.values()].map((each) => [JSON.stringify(each.optionValues), each]),
  );
  const only = existing.length === 1 && drafts.length === 1 ? existing[0] : undefined;
  return drafts.map((variant, index) => {
    const values = variant.optionValues ?? (optionNames.length === 0 ? [] : undefined);
    if (matches[index] !== undefined) return matches[index];
    if (values === undefined) return variant.sku === undefined ? only : undefined;
    const key = JSON.stringify(values);
    const match = byValues.get(key);
    byValues.delete(key);
    return match;
  });
}

function planVariant(
  context: VariantContext,
  variant: VariantDraft,
  match: ExistingVariant | undefined,
  optionNames: readonly string[],
  values: Map<string, VariantDraft>,
): PlannedVariant | null {
  const { draft, product, fail, note } = context;
  const { row, price = match?.price } = variant;
  const valuesGiven = variant.optionValues?.length ?? 0;
  if (match === undefined && product !== null && valuesGiven < optionNames.length) {
    fail(row, 'sku', whichVariant(context, variant.sku));
    return null;
  }
  const optionValues = optionValuesOf(context, variant, match, optionNames, values);
  const key = JSON.stringify(optionValues);
  if (values.has(key)) refuseTwin(context, variant, optionValues);
  values.set(key, variant);
  const sku = skuOf(context, variant, match, optionValues);
  if (price === undefined) fail(row, 'price', 'a new variant needs a price');
  const counted = variant.counted ?? match?.counted ?? draft.countsNew;
  const before = match?.available ?? 0;
  const available = counted ? unitsAfter(context, variant, match) : before;
  // What was read may be sent back as it is.
  const isGiven = variant.quantity !== undefined && variant.quantity !== lineQuantityMax;
  if (!counted && isGiven && !draft.isLenient) {
    fail(row, 'quantity', 'cannot be set where `counted` is false');
  }
  if (match === undefined && counted && variant.quantity === undefined && draft.isLenient) {
    note(row, 'quantity', 'no quantity: there are none to sell yet');
  }
  const { imageUrl, barcode, grams, weightUnit, cost, compareAt } = variant;
  return {
    id: match?.id ?? null,
    sku,
    title: optionValues.join(' / '),
    optionValues,
    price: price ?? 0, // refused above
    compareAt: compareAt === undefined ? (match?.compareAt ?? null) : compareAt,
    counted,
    available,
    change: available - before,
    imageUrl: imageUrl ?? match?.imageUrl ?? '',
    barcode: barcode ?? match?.barcode ?? '',
    grams: grams === undefined ? (match?.grams ?? null) : grams,
    weightUnit: weightUnit ?? match?.weightUnit ?? '',
    cost: cost === undefined ? (match?.cost ?? null) : cost,
  };
}

function whichVariant({ existing }: VariantContext, sku: string | undefined): string {
  if (sku === undefined) return 'which variant? Give its SKU or all its option values';
  return existing.some((each) => each.sku === sku)
    ? `the SKU "${sku}" is named in an earlier row`
    : `the product has no variant "${sku}"; give its option values to add it`;
}

function refuseTwin(
  { fail }: VariantContext,
  { row }: VariantDraft,
  optionValues: readonly string[],
): void {
  const what = optionValues.length === 0 ? 'no options' : 'the same option values';
  fail(row, 'option1Value', `another variant of this product has ${what}`);
}

/** What a draft leaves open is as before, by the name of the option, or else made up. */
function optionValuesOf(
  { draft, product, fail, note }: VariantContext,
  { row, optionValues = [] }: VariantDraft,
  match: ExistingVariant | undefined,
  optionNames: readonly string[],
  taken: ReadonlyMap<string, VariantDraft>,
): readonly string[] {
  if (optionValues.length > optionNames.length) {
    fail(row, 'option1Name', 'the options have no names, such as Size');
  }
  return optionNames.map((name, index) => {
    const before = match?.optionValues[product?.optionNames.indexOf(name) ?? -1] ?? '';
    const value = optionValues[index] || before;
    if (value !== '') return value;
    const field = `option${(index + 1) as 1 | 2 | 3}Value` as const;
    if (!draft.isLenient) {
      fail(row, field, `must name a value for the option "${name}"`);
      return '';
    }
    const isTaken = (made: string): boolean =>
      taken.has(
        JSON.stringify(optionNames.map((_, at) => (at === index ? made : optionValues[at]))),
      );
    const made = firstFree('Default', isTaken);
    note(row, field, `no value for the option "${name}": "${made}" is used`);
    return made;
  });
}

function skuOf(
  { draft, product, skus, fail, note }: VariantContext,
  { sku, row }: VariantDraft,
  match: ExistingVariant | undefined,
  optionValues: readonly string[],
): string {
  const holder = sku === undefined ? null : skus.holderOf(sku, product?.id ?? null);
  const base = sku ?? skuFrom(draft.handle, optionValues);
  const isOwn = sku !== undefined && holder === null;
  const chosen = isOwn ? sku : (match?.sku ?? skus.firstFree(base));
  skus.claim(chosen, row);
  if (holder === null) return chosen;
  if (draft.isLenient) {
    const owner = typeof holder === 'number' ? `row ${holder}` : holder;
    note(row, 'sku', `the SKU "${base}" belongs to ${owner}: "${chosen}" is used`);
  } else if (typeof holder === 'number') fail(row, 'sku', 'is there twice');
  else fail(row, 'sku', `the SKU "${base}" belongs to ${holder}`);
  return chosen;
}

/** A count, or the difference between two counts, which is never more than what is left. */
function unitsAfter(
  { note }: VariantContext,
  { quantity, quantityBefore, row }: VariantDraft,
  match: ExistingVariant | undefined,
): number {
  const before = match?.available ?? 0;
  if (quantity === undefined) return before;
  if (quantityBefore === undefined || match?.counted !== true) return quantity;
  const after = before + quantity - quantityBefore;
  if (after >= 0) return after;
  const taken = quantityBefore - quantity;
  note(row, 'quantity', `${taken} fewer are asked for, and only ${before} are left: now 0`);
  return 0;
}
