import sanitizeHtml from 'sanitize-html';

/** What a description may hold: text, lists, tables, links and pictures; nothing that runs. */
const options: sanitizeHtml.IOptions = {
  allowedTags: [...sanitizeHtml.defaults.allowedTags, 'img'],
  allowedAttributes: { a: ['href', 'title', 'rel'], img: ['src', 'alt', 'width', 'height'] },
  allowedSchemes: ['https', 'http', 'mailto'],
  allowedSchemesByTag: { img: ['https'] },
  allowProtocolRelative: false,
  transformTags: { a: sanitizeHtml.simpleTransform('a', { rel: 'nofollow noopener' }) },
};

/** Plain text passes as it is: most descriptions are, and parsing them is most of an import. */
export function sanitizeDescription(html: string): string {
  return /[<>&]/.test(html) ? sanitizeHtml(html, options).trim() : html.trim();
}

/** The words of a description, for the search index. */
export function descriptionText(html: string): string {
  return html.replace(/<[^>]*>/g, ' ').replace(/&[a-z#0-9]+;/gi, ' ');
}
