import { expect, test } from 'vitest';
import { highestWish, recordWish, type WishWindow } from './wish-window.ts';

const windowMs = 60_000;
const steady = 0;

function windowOf(...wishes: readonly (readonly [at: number, servers: number])[]): WishWindow {
  return wishes.reduce<WishWindow>((window, [at, servers]) => {
    return recordWish(window, servers, at, windowMs);
  }, []);
}

test('without fading the highest wish of the window counts in full', () => {
  const window = windowOf([0, 20], [10_000, 4], [59_000, 2]);
  expect(highestWish(window, 59_000, windowMs, steady)).toBe(20);
});

test('a wish that has left the window counts no more', () => {
  const window = windowOf([0, 20], [10_000, 4], [60_000, 2]);
  expect(highestWish(window, 60_000, windowMs, steady)).toBe(4);
});

test('an old wish fades evenly', () => {
  const window = windowOf([0, 20], [40_000, 2]);
  expect(highestWish(window, 0, windowMs, 0.6)).toBe(20);
  expect(highestWish(window, 30_000, windowMs, 0.6)).toBeCloseTo(14);
  expect(highestWish(window, 50_000, windowMs, 0.6)).toBeCloseTo(10);
});

test('a younger, lower wish counts once the older has faded below it', () => {
  const window = windowOf([0, 10], [30_000, 8]);
  expect(highestWish(window, 30_000, windowMs, 1)).toBe(8);
});

test('two servers stay two when rounded up, for half of the window', () => {
  const at = (now: number): number => Math.ceil(highestWish(windowOf([0, 2]), now, windowMs, 1));
  expect([at(29_000), at(31_000)]).toEqual([2, 1]);
});
