/**
 * A list in one cell: "soft, brown". A name that holds a comma or begins with a quote stands in
 * quotes, doubled within, as a field of RFC 4180 does: `plush, "bears, large"`.
 */

const namePattern = /\s*(?:"((?:[^"]|"")*)"\s*(?=,|$)|([^,]*))(?:,|$)/gy;

/** The trimmed names, each once; empty ones are left out. A quote that never closes is a letter. */
export function splitList(cell: string): string[] {
  const names = cell
    .matchAll(namePattern)
    .map(([, quoted, plain]) => (quoted?.replaceAll('""', '"') ?? plain ?? '').trim())
    .filter((name) => name !== '');
  return [...new Set(names)];
}

/** What `splitList` reads back, for names that are trimmed, not empty, and each there once. */
export function joinList(names: readonly string[]): string {
  return names
    .map((name) => (/^"|,/.test(name) ? `"${name.replaceAll('"', '""')}"` : name))
    .join(', ');
}
