/**
 * Parses text from outside (descriptions, product files) without blocking the event loop: long text
 * goes to a worker thread, one for each text. The thread's messages are small, so receiving one
 * takes a few milliseconds.
 */
import { on } from 'node:events';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import type { DraftRemark } from '../../shop/product-draft.ts';
import type { Reading } from '../../shop/product-fields.ts';
import { type ColumnMap, mapColumns } from './csv/columns.ts';
import { type FileProduct, nameRemarks, type RowRemark } from './csv/read-product-file.ts';
import { descriptionOf } from './csv/sanitize-description.ts';

export type TextTask =
  | { readonly kind: 'file' }
  | { readonly kind: 'description'; readonly html: string };

/** A message of the thread. Each waits for an answer: the next bytes, or null. */
export type TextThreadMessage =
  | { readonly kind: 'bytes' }
  | { readonly kind: 'description'; readonly reading: Reading<string> }
  | {
      readonly kind: 'products';
      readonly products: FileProduct[];
      readonly rowsRead: number;
      readonly columns: ColumnMap;
      readonly isLast: boolean;
    };

/** Characters. Sanitising so many takes a few milliseconds, less than starting a thread. */
const inlineLengthMax = 10_000;

/** Beside this file, as TypeScript or as a bundle. */
const threadFile = path.join(
  import.meta.dirname,
  `text-thread${path.extname(import.meta.filename)}`,
);

async function* runThread(
  task: TextTask,
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Exclude<TextThreadMessage, { kind: 'bytes' }>> {
  const thread = new Worker(threadFile, { workerData: task });
  const bytes = source[Symbol.asyncIterator]();
  try {
    for await (const [message] of on(thread, 'message') as AsyncIterable<[TextThreadMessage]>) {
      if (message.kind === 'bytes') {
        const next = await bytes.next();
        const copy = next.done === true ? null : new Uint8Array(next.value);
        thread.postMessage(copy, copy === null ? [] : [copy.buffer]);
      } else {
        yield message;
        thread.postMessage(null);
      }
    }
  } finally {
    await bytes.return?.();
    await thread.terminate();
  }
}

async function* noBytes(): AsyncGenerator<Uint8Array> {}

/** As `descriptionOf`; long text is sanitised in a thread. */
export async function readDescription(html: string): Promise<Reading<string>> {
  if (html.length <= inlineLengthMax) return descriptionOf(html);
  for await (const message of runThread({ kind: 'description', html }, noBytes())) {
    if (message.kind === 'description') return message.reading;
  }
  throw new Error('the thread that reads a description ended before it was done');
}

export class ProductFileReader {
  rowsRead = 0;
  #columns = mapColumns([]);

  /** Rejects with what `source` rejects with. */
  async *read(source: AsyncIterable<Uint8Array>): AsyncGenerator<FileProduct> {
    for await (const message of runThread({ kind: 'file' }, source)) {
      if (message.kind !== 'products') continue;
      this.rowsRead = message.rowsRead;
      this.#columns = message.columns;
      yield* message.products;
      if (message.isLast) return;
    }
  }

  /** With the names that the file gives to its columns. */
  nameRemarks(remarks: readonly DraftRemark[]): RowRemark[] {
    return nameRemarks(this.#columns, remarks);
  }
}
