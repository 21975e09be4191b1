import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sanitizeDescription } from './sanitize-description.ts';

describe('a description', () => {
  it('keeps text, lists, links and pictures', () => {
    const html = '<p>Soft &amp; <b>warm</b></p><ul><li>one</li></ul><img src="/media/a.webp" />';
    expect(sanitizeDescription(html)).toBe(html);
  });

  it('keeps the spans of table cells, languages, directions, and the address of a link', () => {
    const kept = [
      '<table><thead><tr><th colspan="2">Size</th></tr></thead>',
      '<tbody><tr><td rowspan="2">S</td></tr></tbody></table>',
      '<span lang="fr" dir="rtl">rouge</span><details><summary>More</summary>text</details>',
    ].join('');
    expect(sanitizeDescription(kept)).toBe(kept);
    const links = '<a href="tel:+123">call</a><a href="//cdn.example/x.pdf">pdf</a>';
    expect(sanitizeDescription(links)).toBe(
      '<a rel="nofollow noopener" href="tel:+123">call</a>' +
        '<a rel="nofollow noopener" href="https://cdn.example/x.pdf">pdf</a>',
    );
  });

  it.each([
    ['a script', '<script>alert(1)</script>ok', 'ok'],
    ['a handler', '<p onclick="x()">ok</p>', '<p>ok</p>'],
    ['a style', '<p style="position:fixed">ok</p>', '<p>ok</p>'],
    ['a script address', '<a href="javascript:x()">ok</a>', '<a rel="nofollow noopener">ok</a>'],
    ['a picture that no page would load', '<img src="http://p.example/i.jpg">ok', 'ok'],
    ['a picture without an address', '<p><img alt="x">ok</p>', '<p>ok</p>'],
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
