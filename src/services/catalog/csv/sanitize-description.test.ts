import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sanitizeDescription } from './sanitize-description.ts';

describe('a description', () => {
  it('keeps text, lists, links and pictures', () => {
    const html = '<p>Soft &amp; <b>warm</b></p><ul><li>one</li></ul><img src="/media/a.webp" />';
    expect(sanitizeDescription(html)).toBe(html);
  });

  it.each([
    ['a script', '<script>alert(1)</script>ok', 'ok'],
    ['a handler', '<p onclick="x()">ok</p>', '<p>ok</p>'],
    ['a style', '<p style="position:fixed">ok</p>', '<p>ok</p>'],
    ['a script address', '<a href="javascript:x()">ok</a>', '<a rel="nofollow noopener">ok</a>'],
    ['a frame', '<iframe src="https://x.example"></iframe>ok', 'ok'],
  ])('loses %s', (_name, html, safe) => {
    expect(sanitizeDescription(html)).toBe(safe);
  });

  it('does not change again when it is exported and imported', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom('<p>', '</p>', '<b', '<img src="/a.webp" onerror=y>', '&amp;', '<', '>'),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const once = sanitizeDescription(pieces.join(''));
        expect(sanitizeDescription(once)).toBe(once);
        expect(once).not.toMatch(/<script|onerror=y>/);
      }),
    );
  });
});
