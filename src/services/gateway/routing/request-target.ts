/**
 * Normalises the target of a request, so that routing, waiting room, cache and services all see the
 * same spelling.
 *
 * Letters, digits and `-._~` mean the same with and without percent-encoding (RFC 3986, 6.2.2), so
 * they are decoded once. Everything else stays encoded: `%2F` in a SKU is never a separator.
 */
const pathLengthMax = 4_096;
const isUnreserved = /^[a-z0-9._~-]$/i;

/** Null for a target that cannot be read: control characters, `//`, `/..`, bad encoding. */
export function normalisedTarget(url: string): string | null {
  const end = url.indexOf('?');
  const sent = end < 0 ? url : url.slice(0, end);
  if (!sent.startsWith('/') || sent.length > pathLengthMax || url.includes('#')) return null;
  if (!sent.includes('%')) return isReadable(sent) ? url : null;
  const path = sent.replace(/%([0-9a-f]{2})/gi, (encoded, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    return isUnreserved.test(character) ? character : encoded.toUpperCase();
  });
  try {
    if (!isReadable(decodeURIComponent(path))) return null;
  } catch {
    return null;
  }
  return end < 0 ? path : path + url.slice(end);
}

/** The path of a target, without its query. */
export function pathOf(target: string): string {
  const end = target.indexOf('?');
  return end < 0 ? target : target.slice(0, end);
}

function isReadable(decoded: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return !/[\u0000-\u001f\u007f\\]|\/\/|\/\.{1,2}(\/|$)/.test(decoded);
}
