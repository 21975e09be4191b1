import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const css = readFileSync(path.join(import.meta.dirname, 'tokens.css'), 'utf8');

/** `[by day, by night]` of a token: one colour, or a pair in `light-dark()`. */
function coloursOf(token: string): readonly [string, string] {
  const value = new RegExp(`--${token}: ([^;]+);`).exec(css)?.[1] ?? '';
  const [day = '', night = day] = value.match(/#[0-9a-f]{6}/g) ?? [];
  if (day === '') throw new Error(`--${token} is no plain colour: ${value}`);
  return [day, night];
}

/** Relative luminance of WCAG 2.2. */
function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

const grounds = ['paper', 'surface', 'surface-sunk', 'summary', 'sun-soft'];
const texts: readonly (readonly [text: string, grounds: readonly string[]])[] = [
  ['ink', [...grounds, 'good-soft', 'wait-soft', 'bad-soft']],
  ['ink-soft', grounds],
  ['link', ['paper', 'surface', 'surface-sunk', 'good-soft', 'wait-soft', 'bad-soft']],
  ['on-ink', ['ink']],
  ['on-brand', ['brand', 'brand-strong']],
  ['on-sun', ['sun']],
  ['on-hero', ['hero']],
  ['on-hero-soft', ['hero']],
  ['good', ['good-soft']],
  ['wait', ['wait-soft']],
  ['bad', ['bad-soft', 'surface', 'paper', 'summary']],
];

describe.each([
  ['by day', 0],
  ['by night', 1],
] as const)('%s', (_name, scheme) => {
  it.each(texts.flatMap(([text, places]) => places.map((ground) => [text, ground] as const)))(
    '%s on %s can be read (4.5:1)',
    (text, ground) => {
      const ratio = contrast(coloursOf(text)[scheme], coloursOf(ground)[scheme]);
      expect(ratio).toBeGreaterThanOrEqual(4.5);
    },
  );

  it.each(['line-strong', 'focus'])('%s can be told from its surroundings (3:1)', (edge) => {
    for (const ground of ['paper', 'surface']) {
      const ratio = contrast(coloursOf(edge)[scheme], coloursOf(ground)[scheme]);
      expect(ratio).toBeGreaterThanOrEqual(3);
    }
  });
});
