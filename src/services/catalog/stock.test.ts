import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CatalogFixture, openCatalog } from '../../../test/catalog-fixture.ts';
import { type PostgresFixture, startPostgres } from '../../../test/postgres-fixture.ts';
import { release } from './release.ts';
import { restock } from './restock.ts';
import { reserve } from './stock.ts';

let postgres: PostgresFixture;
let catalog: CatalogFixture;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());
beforeEach(async () => {
  catalog = await openCatalog(postgres);
});
afterEach(() => catalog.close());

const idOf = (number: number): string =>
  `019a0000-0000-7000-8000-${number.toString(16).padStart(12, '0')}`;
const order = (number: number, ...lines: [string, number][]) => ({
  checkoutId: idOf(number),
  lines: lines.map(([sku, quantity]) => ({ sku, quantity })),
});
const ask = async (...batch: ReturnType<typeof order>[]) =>
  (await reserve(catalog.database, batch)).reservations;

async function availableOf(sku: string): Promise<number | undefined> {
  const answer = await catalog.call('POST', '/internal/variants', { skus: [sku] });
  return answer.body.variants[0]?.available;
}

async function count(sku: string, change: { counted: boolean; available?: number }) {
  const body = { variants: [{ sku, ...change }] };
  const answer = await catalog.call('PATCH', `/api/admin/products/toy-${sku.toLowerCase()}`, body);
  expect(answer.status, answer.text).toBe(200);
}

async function expectBalanced(): Promise<Readonly<Record<string, number>>> {
  const { body } = await catalog.call('GET', '/internal/integrity');
  expect(body.invariants.flatMap((each) => each.violations)).toEqual([]);
  expect(body.holds).toBe(true);
  return body.invariants[0]?.figures ?? {};
}

describe('a reservation', () => {
  it('takes all lines of a checkout or none, in queue order', async () => {
    await catalog.addToy('A', 3, 1_299);
    await catalog.addToy('B', 1, 500);
    const answers = await ask(
      order(1, ['A', 1], ['B', 1]),
      order(2, ['A', 1], ['B', 1]),
      order(3, ['A', 2]),
      order(4, ['NO-SUCH', 1]),
    );
    expect(answers).toEqual([
      {
        kind: 'reserved',
        lines: [
          { sku: 'A', title: 'Toy A', quantity: 1, unitPrice: 1_299 },
          { sku: 'B', title: 'Toy B', quantity: 1, unitPrice: 500 },
        ],
        total: 1_799,
      },
      { kind: 'refused', reason: 'sold-out', sku: 'B', available: 0 },
      expect.objectContaining({ kind: 'reserved', total: 2_598 }),
      { kind: 'refused', reason: 'unknown-sku', sku: 'NO-SUCH' },
    ]);
    expect(await availableOf('A')).toBe(0);
    await expectBalanced();
  });

  it('is answered the same again: placed, refused, unknown, and released since', async () => {
    await catalog.addToy('A', 1);
    const batch = [order(1, ['A', 1]), order(2, ['A', 1]), order(3, ['NO-SUCH', 1])];
    const first = await ask(...batch);
    expect(await ask(...batch)).toEqual(first);
    await release(catalog.database, [idOf(1)]);
    await catalog.addToy('NO-SUCH', 5);
    expect(await ask(...batch)).toEqual(first);
    expect(await availableOf('A')).toBe(1);
    expect(await expectBalanced()).toMatchObject({ taken: 1, released: 1 });
  });

  it('is refused after a release that came first', async () => {
    await catalog.addToy('A', 1);
    await release(catalog.database, [idOf(1)]);
    await release(catalog.database, [idOf(1)]);
    expect(await ask(order(1, ['A', 1]))).toEqual([{ kind: 'refused', reason: 'released' }]);
    expect(await availableOf('A')).toBe(1);
  });

  it('is given back once, however often', async () => {
    await catalog.addToy('A', 5);
    await ask(order(1, ['A', 2]), order(2, ['A', 1]));
    await Promise.all(
      Array.from({ length: 8 }, () => release(catalog.database, [idOf(1), idOf(2), idOf(9)])),
    );
    expect(await availableOf('A')).toBe(5);
    await expectBalanced();
  });

  it('cannot be had of a draft, a deleted product or a retired variant', async () => {
    for (const sku of ['A', 'B']) await catalog.addToy(sku, 5);
    await catalog.call('PATCH', '/api/admin/products/toy-a', { published: false });
    await catalog.call('DELETE', '/api/admin/products/toy-b');
    for (const answer of await ask(order(1, ['A', 1]), order(2, ['B', 1]))) {
      expect(answer).toMatchObject({ reason: 'unknown-sku' });
    }
  });

  it('of a product that is deleted meanwhile goes back, and is accounted for', async () => {
    await catalog.addToy('A', 5);
    await ask(order(1, ['A', 2]));
    await catalog.call('DELETE', '/api/admin/products/toy-a');
    await release(catalog.database, [idOf(1)]);
    expect(await expectBalanced()).toMatchObject({ available: 5, taken: 2, released: 2 });
  });

  it('of what is not counted is always given, and takes and gives back no unit', async () => {
    await catalog.addToy('A', 2);
    await count('A', { counted: false });
    expect(await ask(order(1, ['A', 1_000]), order(2, ['A', 3]))).toEqual([
      expect.objectContaining({ kind: 'reserved' }),
      expect.objectContaining({ kind: 'reserved' }),
    ]);
    expect(await availableOf('A')).toBe(1_000);
    expect((await catalog.call('GET', '/api/products/toy-a')).body).toMatchObject({
      variants: [{ sku: 'A', available: 1_000, counted: false }],
    });
    await release(catalog.database, [idOf(2)]);
    await release(catalog.database, [idOf(2)]);
    expect(await expectBalanced()).toMatchObject({ available: 2, taken: 0 });
    await count('A', { counted: true });
    expect(await ask(order(3, ['A', 3]))).toMatchObject([{ reason: 'sold-out', available: 2 }]);
    await release(catalog.database, [idOf(1)]);
    expect(await availableOf('A')).toBe(2);
    await expectBalanced();
  });

  it('that was counted goes back to the count while it is not counted', async () => {
    await catalog.addToy('A', 5);
    await ask(order(1, ['A', 4]));
    await count('A', { counted: false });
    const changes = await release(catalog.database, [idOf(1)]);
    expect(changes[0]?.stock).toEqual([{ sku: 'A', available: 1_000 }]);
    await count('A', { counted: true });
    expect(await availableOf('A')).toBe(5);
    await expectBalanced();
  });

  it('is one of ten when a hundred want ten units at once', async () => {
    await catalog.addToy('A', 10);
    const answers = await Promise.all(
      Array.from({ length: 100 }, async (_, number) => (await ask(order(number, ['A', 1])))[0]),
    );
    expect(answers.filter((each) => each?.kind === 'reserved')).toHaveLength(10);
    expect(await availableOf('A')).toBe(0);
    await expectBalanced();
  });

  it('by two askers at once is made once', async () => {
    await catalog.addToy('A', 50);
    const batch = Array.from({ length: 20 }, (_, number) => order(number, ['A', 1]));
    const unknown = Array.from({ length: 20 }, (_, number) => order(100 + number, ['?', 1]));
    const askers = Array.from({ length: 6 }, (_, index) =>
      ask(...(index % 2 === 0 ? batch : batch.toReversed()), ...unknown),
    );
    const answers = await Promise.all(askers);
    for (const each of answers) expect(each.slice(20)).toEqual(answers[0]?.slice(20));
    expect(await availableOf('A')).toBe(30);
    await expectBalanced();
  });
});

describe('a restock', () => {
  it('of what is not counted is refused with what to do', async () => {
    await catalog.addToy('A', 2);
    await count('A', { counted: false });
    const answer = await catalog.call('POST', '/api/admin/restocks', { sku: 'A', quantity: 3 });
    expect(answer.status).toBe(422);
    expect(answer.text).toContain('is not counted');
  });
});

describe('the ledger', () => {
  it('can be read page by page, without what was given back', async () => {
    await catalog.addToy('A', 50, 700);
    await ask(...Array.from({ length: 5 }, (_, number) => order(number, ['A', 1])));
    await release(catalog.database, [idOf(2)]);
    const seen: string[] = [];
    let after = '';
    do {
      const url = `/internal/reservations?limit=2&after=${after}`;
      const { body } = await catalog.call('GET', url);
      for (const item of body.items) {
        expect(item).toMatchObject({ sku: 'A', quantity: 1, unitPrice: 700, line: 0 });
        seen.push(item.checkoutId);
      }
      after = body.next ?? '';
    } while (after !== '');
    expect(seen).toEqual([0, 1, 3, 4].map(idOf));
    const from = `/internal/reservations?limit=1&after=${idOf(3)}.-1`;
    expect((await catalog.call('GET', from)).body.items[0]?.checkoutId).toBe(idOf(3));
  });
});

type Step =
  | { readonly kind: 'reserve'; readonly batch: ReturnType<typeof order>[] }
  | { readonly kind: 'release'; readonly ids: string[] }
  | { readonly kind: 'restock'; readonly sku: string; readonly quantity: number }
  | { readonly kind: 'recount'; readonly sku: string; readonly quantity: number }
  | { readonly kind: 'count'; readonly sku: string; readonly counted: boolean };

const sku = fc.constantFrom('A', 'B', 'C');
const number = fc.nat(11);
/** The lines of a checkout never change, as in the shop: they follow from its number here. */
const linesOf = (checkout: number): [string, number][] => {
  const lines: [string, number][] = [
    ['A', 1 + (checkout % 3)],
    ['B', 1],
    ['C', 2],
  ];
  return lines.filter((_, index) => ((checkout + 1) >> index) % 2 === 1 || index === checkout % 3);
};
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.uniqueArray(number, { minLength: 1, maxLength: 6 }).map(reserveStep) },
  {
    weight: 3,
    arbitrary: fc
      .uniqueArray(number, { minLength: 1, maxLength: 4 })
      .map((ids): Step => ({ kind: 'release', ids: ids.map(idOf) })),
  },
  { weight: 1, arbitrary: stockStep('restock') },
  { weight: 1, arbitrary: stockStep('recount') },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('count' as const), sku, counted: fc.boolean() }),
  },
);

function reserveStep(numbers: number[]): Step {
  return { kind: 'reserve', batch: numbers.map((each) => order(each, ...linesOf(each))) };
}

function stockStep(kind: 'restock' | 'recount'): fc.Arbitrary<Step> {
  return fc.record({ kind: fc.constant(kind), sku, quantity: fc.integer({ min: 1, max: 4 }) });
}

async function take(current: Step): Promise<readonly [string, unknown][]> {
  const { database } = catalog;
  if (current.kind === 'reserve') {
    const { reservations } = await reserve(database, current.batch);
    return current.batch.map(({ checkoutId }, index) => [checkoutId, reservations[index]]);
  }
  if (current.kind === 'count') await count(current.sku, { counted: current.counted });
  else if (current.kind === 'release') await release(database, current.ids);
  else if (current.kind === 'restock') {
    await restock(database, { ...current, reason: '', key: null, actor: 'test' });
  } else {
    const row = `toy-${current.sku.toLowerCase()},Toy ${current.sku},${current.sku},10`;
    const header = 'Handle,Title,Variant SKU,Variant Price,Variant Inventory Qty';
    const { body } = await catalog.importFile(`${header}\n${row},${current.quantity}\n`);
    expect(body).toMatchObject({ updated: 1, errors: [] });
  }
  return [];
}

describe('any interleaving of reserves, releases, restocks and recounts', () => {
  it('never oversells, answers each checkout once, and accounts for every unit', async () => {
    await fc.assert(
      fc
        .asyncProperty(
          fc.array(fc.array(step, { maxLength: 5 }), { maxLength: 6 }),
          async (runs) => {
            for (const name of ['A', 'B', 'C']) await catalog.addToy(name, 3);
            const answers = await Promise.all(
              runs.map(async (steps) => {
                const answers: (readonly [string, unknown])[] = [];
                for (const each of steps) answers.push(...(await take(each)));
                return answers;
              }),
            );
            const first = new Map<string, unknown>();
            for (const [checkoutId, answer] of answers.flat()) {
              if (!first.has(checkoutId)) first.set(checkoutId, answer);
              expect(answer).toEqual(first.get(checkoutId));
            }
            const figures = await expectBalanced();
            expect(figures['available']).toBeGreaterThanOrEqual(0);
          },
        )
        .beforeEach(async () => {
          await catalog.close();
          catalog = await openCatalog(postgres);
        }),
      { numRuns: 25 },
    );
  });
});
