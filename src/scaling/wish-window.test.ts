import { expect, test } from 'vitest';
import { highestWish, recordWish, type WishWindow } from './wish-window.ts';

const windowMs = 60_000;
const steady = { fadeAfterMs: 0, fadeShare: 0 };

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

test('an old wish fades evenly from a certain age on', () => {
  const window = windowOf([0, 20], [40_000, 2]);
  const fading = { fadeAfterMs: 20_000, fadeShare: 0.5 };
  expect(highestWish(window, 20_000, windowMs, fading)).toBe(20);
  expect(highestWish(window, 40_000, windowMs, fading)).toBe(15);
});

test('a younger, lower wish counts once the older has faded below it', () => {
  const window = windowOf([0, 10], [30_000, 8]);
  const fading = { fadeAfterMs: 0, fadeShare: 1 };
  expect(highestWish(window, 30_000, windowMs, fading)).toBe(8);
});

test('two servers stay two when rounded up, for half of the window', () => {
  const fading = { fadeAfterMs: 0, fadeShare: 1 };
  const at = (now: number): number =>
    Math.ceil(highestWish(windowOf([0, 2]), now, windowMs, fading));
  expect([at(29_000), at(31_000)]).toEqual([2, 1]);
});
