import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { offerOf } from '../../../test/customers/customers-fixture.ts';
import type { Offer } from '../../shop/cart.ts';
import { batchSkusMax, OfferLookup } from './offer-lookup.ts';

/** A catalog whose answers come when the test says so. */
function playCatalog() {
  const clock = { now: () => catalog.time };
  const catalog = {
    time: 1_000,
    sold: new Map<string, Offer>(),
    batches: [] as (readonly string[])[],
    isUp: true,
    gate: Promise.resolve(),
  };
  const ask = async (skus: readonly string[]) => {
    catalog.batches.push(skus);
    await catalog.gate;
    if (!catalog.isUp) throw new Error('down');
    return skus.flatMap((sku) => catalog.sold.get(sku) ?? []);
  };
  return { catalog, lookup: new OfferLookup(ask, clock) };
}

describe('an offer lookup', () => {
  test('asks once for what many want at the same time', async () => {
    const { catalog, lookup } = playCatalog();
    catalog.sold.set('BEAR', offerOf('BEAR')).set('DUCK', offerOf('DUCK'));
    const found = await Promise.all([
      lookup.find(['BEAR']),
      lookup.find(['DUCK', 'BEAR']),
      lookup.find(['NONE', 'DUCK']),
    ]);
    expect(catalog.batches).toEqual([['BEAR', 'DUCK', 'NONE']]);
    expect(found[2].get('NONE')).toEqual({ kind: 'gone' });
    expect(found[1].get('BEAR')).toEqual({ kind: 'current', offer: offerOf('BEAR') });
  });

  test('does not ask again for a SKU that is being asked for', async () => {
    const { catalog, lookup } = playCatalog();
    const { promise, resolve } = Promise.withResolvers<void>();
    catalog.gate = promise;
    const first = lookup.find(['BEAR']);
    await expect.poll(() => catalog.batches.length).toBe(1);
    const second = lookup.find(['BEAR']);
    resolve();
    await Promise.all([first, second]);
    expect(catalog.batches).toEqual([['BEAR']]);
  });

  test('believes an answer for a second, counted from the batch', async () => {
    const { catalog, lookup } = playCatalog();
    catalog.sold.set('BEAR', offerOf('BEAR'));
    await lookup.find(['BEAR']);
    catalog.sold.set('BEAR', offerOf('BEAR', { available: 1 }));
    catalog.time += 1_000;
    expect((await lookup.find(['BEAR'])).get('BEAR')).toMatchObject({ offer: { available: 100 } });
    catalog.time += 1;
    expect((await lookup.find(['BEAR'])).get('BEAR')).toMatchObject({ offer: { available: 1 } });
  });

  test('asks along for what is in use and will soon be too old', async () => {
    const { catalog, lookup } = playCatalog();
    await lookup.find(['BEAR']);
    catalog.time += 400;
    await lookup.find(['DUCK']);
    expect(catalog.batches.at(-1)).toEqual(['DUCK']);
    catalog.time += 700;
    await lookup.find(['BEAR']);
    expect(catalog.batches.at(-1)).toEqual(['BEAR', 'DUCK']);
    catalog.time += 5_000;
    await lookup.find(['NEW']);
    expect(catalog.batches.at(-1)).toEqual(['NEW']);
  });

  test('asks in batches of bounded size', async () => {
    const { catalog, lookup } = playCatalog();
    const skus = Array.from({ length: batchSkusMax * 2 + 1 }, (_each, index) => `S${index}`);
    await lookup.find(skus);
    const sizes = catalog.batches.map((batch) => batch.length);
    expect(sizes).toEqual([batchSkusMax, batchSkusMax, 1]);
  });

  test('asks nothing for half a second after a failure, and shows old offers', async () => {
    const { catalog, lookup } = playCatalog();
    catalog.sold.set('BEAR', offerOf('BEAR'));
    await lookup.find(['BEAR']);
    catalog.isUp = false;
    catalog.time += 5_000;
    const unasked = { kind: 'unasked', last: offerOf('BEAR') };
    for (let n = 0; n < 3; n += 1) {
      expect((await lookup.find(['BEAR'])).get('BEAR')).toEqual(unasked);
    }
    expect((await lookup.find(['NEW'])).get('NEW')).toEqual({ kind: 'unasked', last: null });
    expect(catalog.batches).toHaveLength(2);
    catalog.isUp = true;
    catalog.time += 500;
    expect((await lookup.find(['BEAR'])).get('BEAR')).toMatchObject({ kind: 'current' });
  });
});

type Step =
  | { readonly kind: 'find'; readonly skus: readonly string[] }
  | { readonly kind: 'sell'; readonly sku: string }
  | { readonly kind: 'withdraw'; readonly sku: string }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'outage'; readonly isUp: boolean };

const sku = fc.constantFrom('A', 'B', 'C');
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('find' as const), skus: fc.uniqueArray(sku) }),
  fc.record({ kind: fc.constant('sell' as const), sku }),
  fc.record({ kind: fc.constant('withdraw' as const), sku }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(1_500) }),
  fc.record({ kind: fc.constant('outage' as const), isUp: fc.boolean() }),
);

test('in any history: what is called current or gone was so within the last second', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { catalog, lookup } = playCatalog();
      let count = 0;
      /** For each SKU, when it began to be what. */
      const truth = new Map<string, { from: number; available: number | null }[]>();
      const note = (name: string, available: number | null) => {
        truth.set(name, [...(truth.get(name) ?? []), { from: catalog.time, available }]);
      };
      for (const name of ['A', 'B', 'C']) note(name, null);
      for (const each of steps) {
        if (each.kind === 'wait') catalog.time += each.ms;
        else if (each.kind === 'outage') catalog.isUp = each.isUp;
        else if (each.kind === 'withdraw') {
          catalog.sold.delete(each.sku);
          note(each.sku, null);
        } else if (each.kind === 'sell') {
          count += 1;
          catalog.sold.set(each.sku, offerOf(each.sku, { available: count }));
          note(each.sku, count);
        } else {
          for (const [name, known] of await lookup.find(each.skus)) {
            if (known.kind === 'unasked') continue;
            const said = known.kind === 'gone' ? null : known.offer.available;
            const history = truth.get(name) ?? [];
            const wasTrue = history.some(({ available }, index) => {
              const until = history[index + 1]?.from ?? Number.POSITIVE_INFINITY;
              return available === said && until >= catalog.time - 1_000;
            });
            expect(wasTrue).toBe(true);
          }
        }
      }
    }),
  );
});
