import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ProductDraft, VariantDraft } from './product-draft.ts';
import { type ExistingProduct, type Holdings, planProducts } from './product-plan.ts';
import type { ExistingVariant } from './variant-plan.ts';

const variant = (values: string[], rest: Partial<VariantDraft> = {}): VariantDraft => ({
  optionValues: values,
  price: 500,
  row: 2,
  ...rest,
});
const draft = (
  handle: string,
  variants: VariantDraft[],
  rest: Partial<ProductDraft> = {},
): ProductDraft => ({
  handle,
  isByHandle: true,
  isMore: false,
  title: handle,
  optionNames: variants[0]?.optionValues?.length === 1 ? ['Size'] : undefined,
  variants,
  hasAllVariants: true,
  countsNew: true,
  isLenient: false,
  row: 2,
  ...rest,
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
  imageUrl: '/media/a.svg',
  barcode: '40170725',
  grams: 250,
  weightUnit: 'g',
  cost: 100,
});
const bear: ExistingProduct = {
  id: 1,
  handle: 'bear',
  title: 'Bear',
  descriptionHtml: '<p>Soft</p>',
  vendor: 'Maker',
  type: 'Plush',
  tags: ['soft'],
  status: 'active',
  published: true,
  giftCard: false,
  seoTitle: 'A bear',
  seoDescription: 'Soft.',
  images: [{ url: '/media/a.svg', alt: 'A bear' }],
  optionNames: ['Size'],
  collections: ['Plush'],
};
const holding = (...variants: ExistingVariant[]): Holdings => ({ products: [bear], variants });
const nothing: Holdings = { products: [], variants: [] };
/** As a file says it: what is not there stays. */
const partial = { isLenient: true, hasAllVariants: false, countsNew: false } as const;

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
      variant(['M'], { price: undefined, row: 5 }),
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
    const off = planned({ counted: false });
    expect(off).toMatchObject({ counted: false, available: 5, change: 0 });
    const uncounted = holding({ ...held(7, 'X', ['S']), counted: false });
    expect(planned({}, uncounted)).toMatchObject({ counted: false, available: 5 });
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
          variant([value], { quantity: counts[index] ?? undefined }),
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

describe('a draft that says little', () => {
  const stock = holding(held(7, 'X', ['S'], 3), held(8, 'Y', ['M'], 4));
  const plan = (wanted: ProductDraft, from = stock) => {
    const { plans, errors, notes } = planProducts([wanted], from);
    return { plan: plans[0], errors, notes };
  };

  it('changes what it says and nothing else', () => {
    const [first] = stock.variants;
    const rest = { ...partial, title: undefined };
    const price = { optionValues: undefined, sku: 'X', price: 900 };
    const { plan: changed } = plan(draft('bear', [variant([], price)], rest));
    const { id: _, handle, collections, ...fields } = bear;
    expect(changed).toMatchObject({ handle, collections, fields, retired: [], units: 7 });
    const { productId: _product, ...before } = { ...first, price: 900, change: 0 };
    expect(changed?.variants[0]).toMatchObject(before);
    expect(changed?.variants[1]).toMatchObject({ sku: 'Y', price: 300, change: 0 });
  });

  it('means the product of its SKU where it has no handle, each only once', () => {
    const loose = { ...partial, title: undefined, isByHandle: false };
    const row = (sku: string, quantity: number, at: number) =>
      draft(
        '',
        [variant([], { optionValues: undefined, price: undefined, sku, quantity, row: at })],
        {
          ...loose,
          row: at,
        },
      );
    const { plans, errors } = planProducts(
      [row('X', 10, 2), row('Y', 11, 3), row('Z', 1, 4)],
      stock,
    );
    expect(plans.map(({ units }) => units)).toEqual([21]);
    expect(errors).toEqual([{ row: 4, field: 'sku', message: 'no product has the SKU "Z"' }]);
  });

  it('is a new product where it has another title, and makes do with another SKU', () => {
    const named = (title: string) =>
      plan(draft('cub', [variant(['S'], { sku: 'X' })], { ...partial, isByHandle: false, title }));
    expect(named('Bear').plan).toMatchObject({ productId: 1, handle: 'bear' });
    const { plan: cub, notes } = named('Cub');
    expect(cub).toMatchObject({ productId: null, variants: [{ sku: 'X-2' }] });
    expect(notes).toMatchObject([{ field: 'sku' }]);
  });

  it('must say which variant it means where there are several', () => {
    const unnamed = { optionValues: undefined, price: 900 };
    const several = plan(draft('bear', [variant([], unnamed)], partial));
    expect(several.errors[0]?.message).toMatch(/which variant/);
    const coloured = { ...bear, optionNames: ['Size', 'Colour'] };
    const half = { products: [coloured], variants: [held(7, 'X', ['S', 'red'])] };
    const sized = draft('bear', [variant(['S'])], { ...partial, optionNames: undefined });
    expect(plan(sized, half).errors[0]?.message).toMatch(/which variant/);
    const one = plan(draft('bear', [variant([], unnamed)], partial), holding(held(7, 'X', ['S'])));
    expect(one.plan?.variants).toMatchObject([{ sku: 'X', price: 900 }]);
  });

  it('ends the sale of variants only where the options become others', () => {
    const added = plan(draft('bear', [variant(['L'], { sku: 'Z' })], partial));
    expect(added.plan?.variants.map(({ sku }) => sku)).toEqual(['X', 'Y', 'Z']);
    const values = [variant(['red'], { sku: 'X' })];
    const other = plan(draft('bear', values, { ...partial, optionNames: ['Colour'] }));
    expect(other.plan?.retired.map(({ sku }) => sku)).toEqual(['Y']);
    expect(other.notes[0]?.message).toMatch(/no longer sold: Y/);
  });

  it('adds a later part of the same product, also of a new one', () => {
    const [first, more] = ['S', 'M'].map((size, index) =>
      draft('bear', [variant([size], { sku: size })], {
        ...partial,
        isMore: index > 0,
        images: [{ url: `/media/${size}.svg` }],
      }),
    ) as [ProductDraft, ProductDraft];
    for (const { plans } of [planProducts([first, more], nothing), planProducts([more], stock)]) {
      expect(plans.map(({ variants }) => variants.map(({ title }) => title))).toEqual([['S', 'M']]);
      expect(plans[0]?.fields.images.map(({ url }) => url).at(-1)).toBe('/media/M.svg');
      expect(plans[0]?.fields.images).toHaveLength(2);
    }
  });

  it('makes taken SKUs unique, and the same ones the next time', () => {
    const twins = [variant(['S'], { sku: 'SAME' }), variant(['M'], { sku: 'SAME', row: 3 })];
    const fresh = plan(draft('a', twins, partial), nothing);
    expect(fresh.plan?.variants.map(({ sku }) => sku)).toEqual(['SAME', 'SAME-2']);
    expect(fresh.notes).toMatchObject([{ row: 3, field: 'sku' }]);
    const saved = holding(held(7, 'SAME', ['S']), held(8, 'SAME-2', ['M']));
    const again = plan(draft('bear', twins, partial), saved);
    expect(again.plan?.variants.map(({ id, sku }) => [id, sku])).toEqual([
      [7, 'SAME'],
      [8, 'SAME-2'],
    ]);
    const refused = plan(draft('a', twins), nothing);
    expect(refused.errors).toEqual([{ row: 3, field: 'sku', message: 'is there twice' }]);
  });

  it('leaves no SKU claimed that a refused product wanted', () => {
    const bad = draft('a', [variant(['S'], { sku: 'K', price: undefined })], partial);
    const good = draft('b', [variant(['S'], { sku: 'K', row: 3 })], { ...partial, row: 3 });
    const { plans, notes } = planProducts([bad, good], nothing);
    expect(plans.map(({ handle, variants }) => [handle, variants[0]?.sku])).toEqual([['b', 'K']]);
    expect(notes).toEqual([]);
  });

  it('means a difference where it says what was there before', () => {
    const counted = (quantity: number, quantityBefore: number) =>
      plan(draft('bear', [variant(['S'], { quantity, quantityBefore })], partial));
    expect(counted(10, 10).plan?.variants[0]).toMatchObject({ available: 3, change: 0 });
    expect(counted(15, 10).plan?.variants[0]).toMatchObject({ available: 8, change: 5 });
    const emptied = counted(0, 10);
    expect(emptied.plan?.variants[0]).toMatchObject({ available: 0, change: -3 });
    expect(emptied.notes[0]?.message).toBe('10 fewer are asked for, and only 3 are left: now 0');
  });

  it('publishes when it says so, by word or by status, and never a gift card', () => {
    const hidden = { ...bear, status: 'draft', published: false } as const;
    const shown = (rest: Partial<ProductDraft>, before: ExistingProduct = hidden) => {
      const from = { products: [before], variants: stock.variants };
      const fields = plan(draft('bear', [], { ...partial, ...rest }), from).plan?.fields;
      return `${fields?.status} ${fields?.published}`;
    };
    expect(shown({})).toBe('draft false');
    expect(shown({ published: true })).toBe('active true');
    expect(shown({ status: 'active' })).toBe('active true');
    expect(shown({ status: 'unlisted' })).toBe('unlisted true');
    expect(shown({ status: 'draft', published: true })).toBe('draft false');
    expect(shown({ published: false }, bear)).toBe('active false');
    expect(shown({ status: 'archived' }, bear)).toBe('archived false');
    expect(shown({ status: 'active' }, { ...bear, published: false })).toBe('active false');
    expect(shown({ giftCard: true, published: true })).toBe('active false');
  });
});
