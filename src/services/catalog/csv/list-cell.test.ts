import fc from 'fast-check';
import { expect, it } from 'vitest';
import { joinList, splitList } from './list-cell.ts';

it.each([
  ['', []],
  [' soft ,brown,, soft', ['soft', 'brown']],
  ['plush, "bears, large"', ['plush', 'bears, large']],
  ['"the ""best"" toys"', ['the "best" toys']],
  ['6" tall, 7" tall', ['6" tall', '7" tall']],
  ['"never closed, brown', ['"never closed', 'brown']],
  ['"quoted" in part, brown', ['"quoted" in part', 'brown']],
  ['" , ", brown', [',', 'brown']],
])('%j is a list of %j', (cell, names) => {
  expect(splitList(cell)).toEqual(names);
});

it('reads what it wrote', () => {
  const name = fc.string({ unit: fc.constantFrom('a', '"', ',', ' ', 'é'), minLength: 1 });
  const names = fc.uniqueArray(name.map((text) => text.trim()).filter((text) => text !== ''));
  fc.assert(
    fc.property(names, (list) => {
      expect(splitList(joinList(list))).toEqual(list);
    }),
  );
});
