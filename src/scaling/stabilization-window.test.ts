import { expect, test } from 'vitest';
import {
  highestRecommendation,
  recordRecommendation,
  type StabilizationWindow,
} from './stabilization-window.ts';

const windowMs = 60_000;
const steady = 0;

function windowOf(
  ...recommendations: readonly (readonly [at: number, servers: number])[]
): StabilizationWindow {
  return recommendations.reduce<StabilizationWindow>((window, [at, servers]) => {
    return recordRecommendation(window, servers, at, windowMs);
  }, []);
}

test('without fading the highest recommendation of the window counts in full', () => {
  const window = windowOf([0, 20], [10_000, 4], [59_000, 2]);
  expect(highestRecommendation(window, 59_000, windowMs, steady)).toBe(20);
});

test('a recommendation that has left the window counts no more', () => {
  const window = windowOf([0, 20], [10_000, 4], [60_000, 2]);
  expect(highestRecommendation(window, 60_000, windowMs, steady)).toBe(4);
});

test('an old recommendation fades evenly', () => {
  const window = windowOf([0, 20], [40_000, 2]);
  expect(highestRecommendation(window, 0, windowMs, 0.6)).toBe(20);
  expect(highestRecommendation(window, 30_000, windowMs, 0.6)).toBeCloseTo(14);
  expect(highestRecommendation(window, 50_000, windowMs, 0.6)).toBeCloseTo(10);
});

test('a younger, lower recommendation counts once the older has faded below it', () => {
  const window = windowOf([0, 10], [30_000, 8]);
  expect(highestRecommendation(window, 30_000, windowMs, 1)).toBe(8);
});

test('two servers stay two when rounded up, for half of the window', () => {
  const at = (now: number): number =>
    Math.ceil(highestRecommendation(windowOf([0, 2]), now, windowMs, 1));
  expect([at(29_000), at(31_000)]).toEqual([2, 1]);
});
