import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProductDraft, VariantDraft } from './product-draft.ts';
import { type ExistingVariant, type Holdings, planProducts } from './product-plan.ts';

const variant = (values: string[], rest: Partial<VariantDraft> = {}): VariantDraft => ({
  sku: null,
  optionValues: values,
  price: 500,
  compareAt: null,
  quantity: null,
  counted: null,
  imageUrl: null,
  row: 2,
  ...rest,
});
const draft = (handle: string, variants: VariantDraft[]): ProductDraft => ({
  handle,
  title: handle,
  descriptionHtml: '',
  vendor: '',
  type: '',
  tags: [],
  published: true,
  images: [],
  optionNames: variants[0]?.optionValues.length === 1 ? ['Size'] : [],
  collections: null,
  variants,
  row: 2,
});
const held = (id: number, sku: string, values: string[], available = 5): ExistingVariant => ({
  id,
  productId: 1,
  sku,
  optionValues: values,
  price: 300,
  compareAt: 400,
  available,
  counted: true,
});
const holding = (...variants: ExistingVariant[]): Holdings => ({
  products: new Map([['bear', 1]]),
  variants: new Map(variants.map((each) => [each.sku, each])),
});
const nothing: Holdings = { products: new Map(), variants: new Map() };

describe('saving a draft', () => {
  it('makes the SKUs that are missing, each once', () => {
    const drafts = [draft('a-b', [variant(['c'])]), draft('a', [variant(['b c'])])];
    const { plans, errors } = planProducts(drafts, nothing);
    expect(errors).toEqual([]);
    expect(plans.map((plan) => plan.variants[0]?.sku)).toEqual(['A-B-C', 'A-B-C-2']);
  });

  it('keeps the SKU of the variant with the same options', () => {
    const { plans } = planProducts([draft('bear', [variant(['S'])])], holding(held(7, 'X', ['S'])));
    expect(plans[0]?.variants[0]).toMatchObject({ id: 7, sku: 'X', price: 500, available: 5 });
  });

  it('lets a variant change its options, and another its SKU', () => {
    const holdings = holding(held(7, 'X', ['S']), held(8, 'Y', ['M']));
    const wanted = draft('bear', [variant(['L'], { sku: 'X' }), variant(['M'], { sku: 'Z' })]);
    const { plans } = planProducts([wanted], holdings);
    expect(plans[0]?.variants.map(({ id, sku }) => [id, sku])).toEqual([
      [7, 'X'],
      [8, 'Z'],
    ]);
    expect(plans[0]).toMatchObject({ retired: [], skusGivenUp: ['Y'] });
  });

  it('retires what the draft no longer has', () => {
    const holdings = holding(held(7, 'X', ['S']), held(8, 'Y', ['M'], 9));
    const { plans } = planProducts([draft('bear', [variant(['S'], { sku: 'X' })])], holdings);
    expect(plans[0]?.retired.map(({ id }) => id)).toEqual([8]);
    expect(plans[0]?.units).toBe(5);
  });

  it('refuses the SKU of another product, and a new variant without a price', () => {
    const other = { ...held(7, 'X', []), productId: 99 };
    const wanted = draft('bear', [
      variant(['S'], { sku: 'X', row: 4 }),
      variant(['M'], { price: null, row: 5 }),
    ]);
    const { plans, errors } = planProducts([wanted], holding(other));
    expect(plans).toEqual([]);
    expect(errors.map(({ row, field }) => [row, field])).toEqual([
      [4, 'sku'],
      [5, 'price'],
    ]);
  });

  it('keeps the last count of a variant that is no longer counted, until it is again', () => {
    const holdings = holding(held(7, 'X', ['S']));
    const planned = (rest: Partial<VariantDraft>, from = holdings) =>
      planProducts([draft('bear', [variant(['S'], rest)])], from).plans[0]?.variants[0];
    const off = planned({ counted: false, quantity: 9 });
    expect(off).toMatchObject({ counted: false, available: 5, change: 0 });
    const uncounted = holding({ ...held(7, 'X', ['S']), counted: false });
    expect(planned({ quantity: 9 }, uncounted)).toMatchObject({ counted: false, available: 5 });
    const on = planned({ counted: true, quantity: 9 }, uncounted);
    expect(on).toMatchObject({ counted: true, available: 9, change: 4 });
  });

  it('counts every unit: what is there afterwards is what was there and what changed', () => {
    const values = fc.uniqueArray(fc.constantFrom('S', 'M', 'L', 'XL'), { minLength: 1 });
    const quantity = fc.option(fc.nat(20));
    fc.assert(
      fc.property(values, values, fc.array(quantity, { minLength: 4 }), (before, after, counts) => {
        const existing = before.map((value, index) =>
          held(index + 1, `K-${value}`, [value], index),
        );
        const wanted = after.map((value, index) =>
          variant([value], { quantity: counts[index] ?? null }),
        );
        const { plans } = planProducts([draft('bear', wanted)], holding(...existing));
        const [plan] = plans;
        expect(plan?.variants.length).toBe(after.length);
        for (const { id, available, change } of plan?.variants ?? []) {
          const then = existing.find((each) => each.id === id)?.available ?? 0;
          expect(available).toBe(then + change);
        }
        const ids = plan?.variants.flatMap(({ id }) => (id === null ? [] : [id])) ?? [];
        expect(new Set(ids).size).toBe(ids.length);
        expect(ids.length + (plan?.retired.length ?? 0)).toBe(existing.length);
      }),
    );
  });
});
