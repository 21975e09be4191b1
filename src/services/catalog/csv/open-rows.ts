/** The rows of a product file: its encoding, its delimiter and its quotation marks are seen to. */
import { pipeline } from 'node:stream';
import { parse } from 'csv-parse';
import { parse as parseAtOnce } from 'csv-parse/sync';
import { mapColumns } from './columns.ts';
import { decodeText } from './decode-text.ts';

/** Enough for the header of any product file. */
const headLengthMax = 65_536;
const delimiters = [',', ';', '\t', '|'];

/** A row whose quotation mark is never closed. */
export interface BrokenRow {
  /** As a spreadsheet counts. */
  readonly row: number;
  readonly position: number;
}

/**
 * Rows from the header on; `broken` is complete when they are through. Throws what `source` throws.
 */
export async function openRows(
  source: AsyncIterable<Uint8Array>,
): Promise<{ rows: AsyncIterable<readonly string[]>; broken: readonly BrokenRow[] }> {
  const parts = decodeText(source);
  let head = '';
  for (let part = await parts.next(); ; part = await parts.next()) {
    head += part.value ?? '';
    if (part.done === true || head.length >= headLengthMax) break;
  }
  // A spreadsheet writes `sep=;` for itself and shows no such row.
  const named = /^"?sep=([^"\r\n])"?(?:\r\n|\r|\n)/i.exec(head);
  if (named !== null) head = head.slice(named[0].length);
  const broken: BrokenRow[] = [];
  let parsed = 0;
  const parser = parse({
    delimiter: named?.[1] ?? likelyDelimiter(head),
    relax_column_count: true,
    relax_quotes: true,
    skip_records_with_error: true,
    on_record: (record) => {
      parsed += 1;
      return record;
    },
    on_skip: (error) => {
      broken.push({ row: parsed + 1, position: Number(error?.['index'] ?? 0) });
    },
  });
  async function* text(): AsyncGenerator<string> {
    yield head;
    yield* parts;
  }
  pipeline(text, parser, () => {}); // the error reaches the reader of the rows
  return { rows: parser, broken };
}

/** The one that finds the most columns of a product file in the first line. */
function likelyDelimiter(head: string): string {
  const line = /[^\r\n]+/.exec(head)?.[0] ?? '';
  const known = delimiters.map((delimiter) => {
    const [names = []] = parseAtOnce(line, { delimiter, relax_quotes: true, to: 1 });
    return mapColumns(names as string[]).positions.size;
  });
  return delimiters[known.indexOf(Math.max(...known))] ?? ',';
}
