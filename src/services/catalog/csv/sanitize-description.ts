/** Makes the HTML of a description safe to show. */
import sanitizeHtml from 'sanitize-html';
import { descriptionLengthMax, type Reading, textFault } from '../../../shop/product-fields.ts';
import { limitDepth } from './limit-depth.ts';

/** What a description may hold: text, lists, tables, links and pictures; nothing that runs. */
const options: sanitizeHtml.IOptions = {
  allowedTags: [...sanitizeHtml.defaults.allowedTags, 'img', 'details', 'summary'],
  allowedAttributes: {
    '*': ['dir', 'lang'],
    a: ['href', 'title', 'rel'],
    img: ['src', 'alt', 'width', 'height'],
    col: ['span'],
    colgroup: ['span'],
    td: ['colspan', 'rowspan'],
    th: ['colspan', 'rowspan', 'scope'],
  },
  allowedSchemes: ['https', 'http', 'mailto', 'tel'],
  allowedSchemesByTag: { img: ['https'] },
  allowProtocolRelative: false,
  transformTags: {
    a: (tagName, { href, ...rest }) => ({
      tagName,
      attribs: { ...rest, ...(href && { href: absolute(href) }), rel: 'nofollow noopener' },
    }),
    img: (tagName, { src, ...rest }) => ({
      tagName,
      attribs: { ...rest, ...(src && { src: absolute(src) }) },
    }),
  },
  // Asked when the attributes are sanitised: a picture without an address shows nothing.
  exclusiveFilter: ({ tag, attribs }) => tag === 'img' && !attribs['src'],
};

/** `//cdn.example/a.jpg` has the scheme of its page, and a shop's pages are https. */
function absolute(address: string): string {
  return address.trim().replace(/^\/\//, 'https://');
}

/** Repairing tags that were opened inside each other can take a second look, rarely a third. */
const passesMax = 4;

/**
 * Safe HTML that does not change when it is sanitised again, so that an export imports as it was.
 * Plain text passes as it is: most descriptions are, and parsing them is most of an import.
 */
export function sanitizeDescription(html: string): string {
  let safe = limitDepth(html.trim());
  for (let pass = 0; pass < passesMax && /[<>&]/.test(safe); pass += 1) {
    const before = safe;
    safe = sanitizeHtml(before, options).trim();
    if (safe === before) break;
  }
  return safe;
}

/** Sanitised, or what is wrong with it. */
export function descriptionOf(html: string): Reading<string> {
  const fault = textFault(html);
  if (fault !== null) return { fault };
  const value = sanitizeDescription(html);
  if (value.length <= descriptionLengthMax) return { value };
  return { fault: `has ${value.length} characters as HTML; at most ${descriptionLengthMax}` };
}

/** The words of a description, for the search index. */
export function descriptionText(html: string): string {
  return html.replace(/<[^>]*>/g, ' ').replace(/&[a-z#0-9]+;/gi, ' ');
}
