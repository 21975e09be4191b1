import { expect, test } from 'vitest';
import { ProcessorWatch } from './processor-watch.ts';

function watchOf(): { watch: ProcessorWatch; after: (ms: number, idle: number) => boolean } {
  let now = 1_000;
  let idle = 0;
  const watch = new ProcessorWatch({ read: () => idle }, { now: () => now });
  const after = (ms: number, share: number): boolean => {
    now += ms;
    idle = share;
    return watch.isFull();
  };
  return { watch, after };
}

test('Processors are full when almost nothing was idle, and free again when a good part is', () => {
  const { watch, after } = watchOf();
  expect(watch.isFull()).toBe(false);
  expect(after(250, 0.01)).toBe(true);
  expect(after(250, 0.2)).toBe(true); // neither: as it was
  expect(after(250, 0.5)).toBe(false);
  expect(after(250, 0.2)).toBe(false);
});

test('The processors are read at most four times a second', () => {
  const { after } = watchOf();
  expect(after(249, 0)).toBe(false);
  expect(after(1, 0)).toBe(true);
  expect(after(249, 1)).toBe(true);
  expect(after(1, 1)).toBe(false);
});

test('A clock that is set back does not keep the last answer', () => {
  const { after } = watchOf();
  expect(after(250, 0)).toBe(true);
  expect(after(-3_600_000, 1)).toBe(false);
});
