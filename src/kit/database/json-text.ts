/**
 * JSON that PostgreSQL accepts: it refuses NUL and half of a surrogate pair, so both are replaced.
 * The schemas refuse most of them before; one that is left must not fail a whole batch.
 */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    typeof each === 'string' ? storableText(each) : each,
  );
}

export function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '\ufffd');
}
