import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { depthMax, limitDepth } from './limit-depth.ts';
import { sanitizeDescription } from './sanitize-description.ts';

/** Of well-formed HTML. */
function depthOf(html: string): number {
  let [depth, deepest] = [0, 0];
  for (const [tag] of html.matchAll(/<\/?[a-z]+/g)) {
    if (tag === '<img' || tag === '<br') continue;
    depth += tag.startsWith('</') ? -1 : 1;
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}

describe('the depth of a description', () => {
  it.each([
    '<b>',
    '<div>',
    '<ul><li>',
    '<table><tr><td>',
    '<b></i>',
    '<p><li>',
    '<zz>',
    '<b title="</b>">',
    '<svg><math>',
  ])('is limited for %j, over and over', (tags) => {
    const safe = sanitizeDescription(`${tags.repeat(2_000)}deep`);
    expect(depthOf(safe)).toBeLessThanOrEqual(depthMax);
    expect(safe).toContain('deep');
  });

  it('leaves what is not deep as it is, however long', () => {
    const piece = fc.constantFrom(
      '<p>',
      '<li>',
      '<b>x</b>',
      '<tr><td>',
      '<img src=a>',
      '</p>',
      '<',
      '"',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 80 }), (pieces) => {
        expect(limitDepth(pieces.join(''))).toBe(pieces.join(''));
      }),
    );
    const table = `<table>${'<tr><td>a<td>b'.repeat(5_000)}</table>`;
    expect(limitDepth(table)).toBe(table);
    const paragraphs = '<p>one<br>'.repeat(5_000);
    expect(limitDepth(paragraphs)).toBe(paragraphs);
  });
});
