import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyFilter } from './key-filter.ts';

describe('the key filter', () => {
  it('never forgets a key that was added', () => {
    fc.assert(
      fc.property(fc.array(fc.uuid(), { maxLength: 200 }), (keys) => {
        const filter = new KeyFilter();
        for (const key of keys) filter.add(key);
        expect(keys.filter((key) => !filter.mayHave(key))).toEqual([]);
      }),
    );
  });

  it('rarely reports a key that was not added', () => {
    const filter = new KeyFilter();
    const keyOf = (n: number): string => {
      const hex = (Math.imul(n + 1, 2_654_435_761) >>> 0).toString(16).padStart(8, '0');
      const other = (Math.imul(n + 7, 2_246_822_519) >>> 0).toString(16).padStart(8, '0');
      return `${hex}-0000-0000-0000-${other}0000`;
    };
    for (let n = 0; n < 100_000; n += 1) filter.add(keyOf(n));
    const suspected = Array.from({ length: 10_000 }, (_, n) =>
      filter.mayHave(keyOf(1_000_000 + n)),
    );
    expect(suspected.filter(Boolean).length).toBeLessThan(100);
    expect(filter.count).toBe(100_000);
  });
});
