/** Newline-delimited JSON streams: one value a line, no frame limit but `lineBytesMax`. */
const lineBytesMax = 16 * 1024 * 1024;

/** Splits a byte stream into parsed lines. Throws on a line that is not JSON or is too long. */
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
