/**
 * JSON that PostgreSQL takes: half of a surrogate pair, or a NUL, is no text to a database. The
 * schemas keep most of it out; what is left must not fail a whole batch.
 */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    typeof each === 'string' ? storableText(each) : each,
  );
}

export function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '\ufffd');
}
