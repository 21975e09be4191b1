/** Reads newline-delimited JSON: one value per line. */
const lineBytesMax = 16 * 1024 * 1024;

/** Yields the parsed lines. Throws on a line that is not JSON or longer than `lineBytesMax`. */
export async function* readNdjson<T>(source: AsyncIterable<Uint8Array>): AsyncGenerator<T> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of source) {
    rest += decoder.decode(chunk, { stream: true });
    if (rest.length > lineBytesMax) throw new RangeError('an NDJSON line is too long');
    let start = 0;
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n', start)) {
      if (end > start) yield JSON.parse(rest.slice(start, end)) as T;
      start = end + 1;
    }
    rest = rest.slice(start);
  }
}
