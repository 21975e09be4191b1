import { expect, test } from 'vitest';
import { barPlot, dotPlot, linePlot, widePlot } from './plot.ts';

const line = { name: 'orders <a second>', colour: 'var(--placed)' };
const points = [
  [0, 10],
  [1, 20],
  [2, null],
  [3, 5],
  [4, 6],
] as const;

test('a line has a hole where nothing was measured, and its colour by name', () => {
  const drawn = linePlot([{ ...line, points }], 'seconds', 'orders');
  const [path = ''] = /<path[^>]*stroke="var\(--placed\)"[^>]*>/.exec(drawn) ?? [];
  expect(path.match(/M/g)).toHaveLength(2);
  expect(drawn).toContain('orders &lt;a second&gt;');
  expect(drawn).not.toContain('<a second>');
});

test('what is marked is named, unless the names would cover each other', () => {
  const drawnWith = (count: number): string => {
    const spans = Array.from({ length: count }, (_, at) => ({
      from: at,
      to: at + 0.5,
      name: 'kill',
    }));
    return widePlot([{ ...line, points }], { xLabel: 'seconds', yLabel: 'orders', spans });
  };
  expect(drawnWith(3).match(/>kill<\/text>/g)).toHaveLength(3);
  expect(drawnWith(30)).not.toContain('>kill</text>');
});

test('dots and bars carry their names and figures', () => {
  const dots = [{ name: 'ours', colour: 'red', x: 10, y: 5_000 }];
  expect(dotPlot(dots, 'seconds', 'unhappy')).toMatch(/<circle[^>]*fill="red"/);
  const bars = [{ name: 'theirs', colour: 'blue', value: 9, low: 3, high: 12 }];
  expect(barPlot(bars, 4, 'times')).toContain('9.0 →');
});
