/**
 * The text of a file of which nobody said how it is encoded: UTF-8, UTF-16 of either byte order, or
 * Windows-1252, which spreadsheets write in Western Europe and the Americas.
 *
 * A byte order mark decides. Without one, a zero beside the first letter is UTF-16, since a product
 * file begins with an ASCII name. What is ASCII so far is the same in UTF-8 and in Windows-1252, so
 * the part of the file with the first byte beyond it decides between them: text of Windows-1252 is
 * hardly ever valid UTF-8, and a damaged UTF-8 file still has more whole letters than broken ones.
 */
import { isAscii } from 'node:buffer';

/** As many bytes as the longest letter of UTF-8, or as two letters of UTF-16. */
const evidenceBytes = 4;

export async function* decodeText(source: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let decoder: TextDecoder | null = null;
  let isUnmarked = false;
  let held = Buffer.alloc(0);
  for await (const part of source) {
    const bytes = held.length === 0 ? part : Buffer.concat([held, part]);
    held = Buffer.alloc(0);
    if (decoder !== null) {
      yield decoder.decode(bytes, { stream: true });
      continue;
    }
    if (!isUnmarked && bytes.length < evidenceBytes) {
      held = Buffer.from(bytes);
      continue;
    }
    const named = isUnmarked ? null : markedEncoding(bytes);
    isUnmarked = true;
    const rest = bytes.subarray(named === null ? asciiLength(bytes) : 0);
    yield Buffer.from(bytes.subarray(0, bytes.length - rest.length)).toString('latin1');
    if (named === null && rest.length < evidenceBytes) held = Buffer.from(rest);
    else {
      decoder = new TextDecoder(named ?? likelyEncoding(rest));
      yield decoder.decode(rest, { stream: true });
    }
  }
  decoder ??= new TextDecoder(markedEncoding(held) ?? likelyEncoding(held));
  yield decoder.decode(held);
}

function asciiLength(bytes: Uint8Array): number {
  return isAscii(bytes) ? bytes.length : bytes.findIndex((byte) => byte > 0x7f);
}

function markedEncoding([a, b, c, d]: Uint8Array): string | null {
  if (a === 0xef && b === 0xbb && c === 0xbf) return 'utf-8';
  if ((a === 0xff && b === 0xfe) || (a && b === 0 && c && d === 0)) return 'utf-16le';
  if ((a === 0xfe && b === 0xff) || (a === 0 && b && c === 0 && d)) return 'utf-16be';
  return null;
}

function likelyEncoding(bytes: Uint8Array): string {
  const text = new TextDecoder('utf-8').decode(bytes, { stream: true });
  const count = (pattern: RegExp, within: string) => within.match(pattern)?.length ?? 0;
  // Some files hold the mark of a broken letter as a letter of their own.
  const marks = count(/\xef\xbf\xbd/g, Buffer.from(bytes).toString('latin1'));
  const broken = count(/\ufffd/g, text) - marks;
  const whole = count(/[^\0-\x7f\ufffd]/g, text) + marks;
  return whole > 0 && whole >= broken ? 'utf-8' : 'windows-1252';
}
