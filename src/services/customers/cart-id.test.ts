import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CartIds } from './cart-id.ts';

const ids = new CartIds(Buffer.alloc(32, 1));
/** Of the same shop, and has never seen the ids that `ids` gave out. */
const instance = new CartIds(Buffer.alloc(32, 1));
const time = fc.nat({ max: 4_000_000_000_000 });

test('an id leads to the key of its row and back', () => {
  fc.assert(
    fc.property(time, (now) => {
      const id = ids.issue(now);
      const key = ids.keyOf(id) ?? '';
      expect(id).toMatch(/^[\w-]{32}$/);
      expect(key).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(ids.idOf(key)).toBe(id);
      expect([instance.keyOf(id), instance.keyOf(id)], 'unseen, then seen').toEqual([key, key]);
    }),
  );
});

test('keys grow with time, so that new rows are close together in the index', () => {
  fc.assert(
    fc.property(time, fc.integer({ min: 1, max: 1_000 }), (now, later) => {
      const [a, b] = [ids.keyOf(ids.issue(now)) ?? '', ids.keyOf(ids.issue(now + later)) ?? ''];
      expect(a < b).toBe(true);
    }),
  );
});

test('an id changed in any place is not one of ours', () => {
  fc.assert(
    fc.property(fc.nat({ max: 31 }), fc.integer({ min: 1, max: 63 }), (place, by) => {
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
      const id = ids.issue(1_700_000_000_000);
      const moved = alphabet[(alphabet.indexOf(id[place] ?? '') + by) % 64] ?? '';
      expect(ids.keyOf(id.slice(0, place) + moved + id.slice(place + 1))).toBe(null);
    }),
  );
});

test('neither is any other text, nor an id of another installation', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => ids.keyOf(text) === null));
  const others = new CartIds(Buffer.alloc(32, 2));
  expect(ids.keyOf(others.issue(1_700_000_000_000))).toBe(null);
  const id = ids.issue(1_700_000_000_000);
  expect(ids.keyOf(`${id}=`)).toBe(null);
  expect(ids.keyOf(` ${id}`)).toBe(null);
});

test('two ids of the same millisecond differ', () => {
  const issued = Array.from({ length: 1_000 }, () => ids.issue(1_700_000_000_000));
  expect(new Set(issued).size).toBe(1_000);
});
