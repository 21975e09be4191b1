import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideReservations, type StockItem } from './reservation-decision.ts';

const skus = ['A', 'B', 'C'];
const stockOf = (units: Readonly<Record<string, number>>) =>
  new Map(
    Object.entries(units).map(([sku, available]): [string, StockItem] => [
      sku,
      { sku, title: `Toy ${sku}`, unitPrice: 100, available, counted: true },
    ]),
  );
const order = (checkoutId: string, ...lines: [string, number][]) => ({
  checkoutId,
  lines: lines.map(([sku, quantity]) => ({ sku, quantity })),
});

describe('a batch of checkouts', () => {
  it('is served in order, until the stock is gone', () => {
    const batch = [order('1', ['A', 2]), order('2', ['A', 2]), order('3', ['A', 1])];
    const { reservations, remainders } = decideReservations(batch, stockOf({ A: 3 }));
    expect(reservations.map((each) => each.kind)).toEqual(['reserved', 'refused', 'reserved']);
    expect(reservations[1]).toEqual({
      kind: 'refused',
      reason: 'sold-out',
      sku: 'A',
      available: 1,
    });
    expect(remainders).toEqual(new Map([['A', 0]]));
  });

  it('takes all lines of a checkout or none', () => {
    const batch = [order('1', ['A', 1], ['B', 1]), order('2', ['A', 1])];
    const { reservations, remainders } = decideReservations(batch, stockOf({ A: 1, B: 0 }));
    expect(reservations[0]).toMatchObject({ reason: 'sold-out', sku: 'B' });
    expect(reservations[1]).toMatchObject({ kind: 'reserved', total: 100 });
    expect(remainders.get('A')).toBe(0);
  });

  it('adds up lines that name one SKU twice', () => {
    const batch = [order('1', ['A', 2], ['A', 2])];
    expect(decideReservations(batch, stockOf({ A: 3 })).reservations[0]).toMatchObject({
      reason: 'sold-out',
      available: 3,
    });
    expect(decideReservations(batch, stockOf({ A: 4 })).reservations[0]).toMatchObject({
      lines: [{ sku: 'A', quantity: 4, unitPrice: 100, title: 'Toy A' }],
      total: 400,
    });
  });

  it('answers a checkout that is named twice once', () => {
    const batch = [order('1', ['A', 1]), order('1', ['A', 1])];
    const { reservations, remainders } = decideReservations(batch, stockOf({ A: 5 }));
    expect(reservations[1]).toBe(reservations[0]);
    expect(remainders.get('A')).toBe(4);
  });

  it('always gets what is not counted, and takes no unit of it', () => {
    const stock = stockOf({ A: 1, B: 0 });
    stock.set('B', { ...(stock.get('B') as StockItem), counted: false });
    const batch = [order('1', ['A', 1], ['B', 900]), order('2', ['B', 900]), order('3', ['A', 1])];
    const { reservations, remainders } = decideReservations(batch, stock);
    expect(reservations.map((each) => each.kind)).toEqual(['reserved', 'reserved', 'refused']);
    expect(remainders).toEqual(new Map([['A', 0]]));
  });

  it('never sells a unit that is not there, and never refuses one that is', () => {
    const lines = fc.array(
      fc.tuple(fc.constantFrom(...skus, 'X'), fc.integer({ min: 1, max: 4 })),
      {
        minLength: 1,
        maxLength: 4,
      },
    );
    const units = fc.record({ A: fc.nat(9), B: fc.nat(9), C: fc.nat(9) });
    fc.assert(
      fc.property(fc.array(lines, { maxLength: 20 }), units, (carts, available) => {
        const batch = carts.map((cart, index) => order(String(index), ...cart));
        const { reservations, remainders } = decideReservations(batch, stockOf(available));
        const left: Record<string, number> = { ...available };
        for (const [index, reservation] of reservations.entries()) {
          const wanted: Record<string, number> = {};
          for (const [sku, quantity] of carts[index] ?? []) {
            wanted[sku] = (wanted[sku] ?? 0) + quantity;
          }
          const fits = Object.entries(wanted).every(([sku, n]) => n <= (left[sku] ?? -1));
          expect(reservation.kind).toBe(fits ? 'reserved' : 'refused');
          if (!fits) continue;
          for (const [sku, n] of Object.entries(wanted)) left[sku] = (left[sku] ?? 0) - n;
        }
        for (const [sku, remainder] of remainders) expect(remainder).toBe(left[sku]);
        expect(Math.min(...Object.values(left))).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
