import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type CartLine,
  cartLinesMax,
  type Knowledge,
  lineQuantityMax,
  mergeCarts,
  type Offer,
  priceCart,
  snapshotOf,
} from './cart.ts';

const sku = fc.constantFrom('BEAR', 'DUCK', 'KITE', 'YOYO', '__proto__');
const offer: fc.Arbitrary<Offer> = fc.record({
  sku,
  productHandle: fc.string(),
  title: fc.string(),
  variantTitle: fc.string(),
  image: fc.constant(null),
  price: fc.record({ amount: fc.nat(2_000_000_000), currency: fc.constant('USD') }),
  available: fc.nat(1_000),
});
const line: fc.Arbitrary<CartLine> = fc.record({
  sku,
  quantity: fc.integer({ min: 1, max: lineQuantityMax }),
  addedAt: fc.nat(1_000),
  seen: offer.map(snapshotOf),
});
const cart = fc.uniqueArray(line, { selector: (each) => each.sku });
const knowledge: fc.Arbitrary<Knowledge> = fc.oneof(
  offer.map((each): Knowledge => ({ kind: 'current', offer: each })),
  fc.constant<Knowledge>({ kind: 'gone' }),
  fc.option(offer).map((last): Knowledge => ({ kind: 'unasked', last })),
);
const knowledgeOf = (skus: readonly string[]) =>
  fc
    .array(knowledge, { minLength: skus.length, maxLength: skus.length })
    .map((known) => new Map(skus.map((each, index) => [each, known[index] as Knowledge])));
const known = cart.chain((lines) =>
  fc.tuple(fc.constant(lines), knowledgeOf(lines.map((each) => each.sku))),
);

function numberedLine(index: number, quantity = 1): CartLine {
  const price = { amount: 100, currency: 'USD' };
  const seen = { productHandle: '', title: '', variantTitle: '', image: null, price };
  return { sku: `SKU-${index}`, quantity, addedAt: index, seen };
}

describe('a priced cart', () => {
  test('keeps every line with its quantity, in the order of arrival', () => {
    fc.assert(
      fc.property(known, ([lines, about]) => {
        const priced = priceCart(lines, about);
        const arrival = new Map(lines.map((each) => [each.sku, each]));
        const times = priced.lines.map((each) => arrival.get(each.sku)?.addedAt ?? Number.NaN);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
        const quantities = (of: readonly { sku: string; quantity: number }[]) =>
          of.map((each) => `${each.sku} ${each.quantity}`).sort();
        expect(quantities(priced.lines)).toEqual(quantities(lines));
      }),
    );
  });

  test('adds its lines up to the subtotal, exactly', () => {
    fc.assert(
      fc.property(known, ([lines, about]) => {
        const { lines: priced, subtotal } = priceCart(lines, about);
        const sum = priced.reduce(
          (total, each) => total + each.unitPrice.amount * each.quantity,
          0,
        );
        expect(subtotal).toEqual({ amount: sum, currency: 'USD' });
      }),
    );
  });

  test('is stale exactly where the catalog could not be asked', () => {
    fc.assert(
      fc.property(known, ([lines, about]) => {
        for (const each of priceCart(lines, about).lines) {
          expect(each.stale).toBe(about.get(each.sku)?.kind === 'unasked');
        }
      }),
    );
  });

  test('says that a price changed when it differs from the one seen', () => {
    fc.assert(
      fc.property(known, ([lines, about]) => {
        const seen = new Map(lines.map((each) => [each.sku, each.seen.price.amount]));
        for (const each of priceCart(lines, about).lines) {
          expect(each.priceChanged).toBe(each.unitPrice.amount !== seen.get(each.sku));
        }
      }),
    );
  });

  test('shows what was last seen, and no stock, for a SKU nothing is known of', () => {
    const only = numberedLine(1, 3);
    const [priced] = priceCart([only], new Map()).lines;
    expect(priced).toMatchObject({ unitPrice: only.seen.price, available: null, stale: true });
  });

  test('has none of what the catalog no longer sells', () => {
    const gone = new Map([['SKU-1', { kind: 'gone' } as const]]);
    const [priced] = priceCart([numberedLine(1)], gone).lines;
    expect(priced).toMatchObject({ available: 0, stale: false, priceChanged: false });
  });
});

describe('two carts merged', () => {
  test('hold every SKU of both once, with the quantities added up to the cap', () => {
    fc.assert(
      fc.property(cart, cart, (own, guest) => {
        const merged = mergeCarts(own, guest);
        const skus = new Set([...own, ...guest].map((each) => each.sku));
        expect(new Set(merged.map((each) => each.sku))).toEqual(skus);
        expect(merged).toHaveLength(skus.size);
        for (const each of merged) {
          const of = (lines: readonly CartLine[]) =>
            lines.find((other) => other.sku === each.sku)?.quantity ?? 0;
          expect(each.quantity).toBe(Math.min(lineQuantityMax, of(own) + of(guest)));
        }
      }),
    );
  });

  test('are the other cart where one is empty', () => {
    fc.assert(
      fc.property(cart, (lines) => {
        const bySku = (a: CartLine, b: CartLine) => (a.sku < b.sku ? -1 : 1);
        expect(mergeCarts(lines, []).sort(bySku)).toEqual(lines.toSorted(bySku));
        expect(mergeCarts([], lines).sort(bySku)).toEqual(lines.toSorted(bySku));
      }),
    );
  });

  test('never exceed the limit, and never drop what the customer had', () => {
    const own = Array.from({ length: cartLinesMax - 1 }, (_each, index) => numberedLine(index));
    const guest = [numberedLine(500), numberedLine(400), numberedLine(600)];
    const merged = mergeCarts(own, guest);
    expect(merged).toHaveLength(cartLinesMax);
    expect(merged.slice(0, own.length)).toEqual(own);
    expect(merged.at(-1)?.sku).toBe('SKU-400'); // the guest's earliest
  });
});
