import fc from 'fast-check';
import { expect, it } from 'vitest';
import { progressOf, waitText } from './waiting-line.ts';

it('says the wait in words that do not pretend to be exact', () => {
  expect([undefined, 2, 42, 60, 61, 150].map(waitText)).toEqual([
    'Asking how long it takes…',
    'Only a moment now.',
    'About 45 seconds to go.',
    'About a minute to go.',
    'About 2 minutes to go.',
    'About 3 minutes to go.',
  ]);
});

it('shows progress that grows as the line gets shorter and never claims to be done', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), fc.nat(), (a, b, c) => {
      const [near = 0, far = 0, longest = 0] = [a, b, c].sort((x, y) => x - y);
      expect(progressOf(near, longest)).toBeGreaterThanOrEqual(progressOf(far, longest));
      expect(progressOf(near, longest)).toBeLessThan(1);
      expect(progressOf(far, longest)).toBeGreaterThan(0);
    }),
  );
});
