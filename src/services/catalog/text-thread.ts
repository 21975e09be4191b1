/**
 * The worker thread that parses one text: a description, or a product file that arrives in pieces.
 * Started by `text-reader.ts`. However long it takes, it blocks no sale.
 */
import { on } from 'node:events';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { ProductDraft } from '../../shop/product-draft.ts';
import { ProductFile } from './csv/read-product-file.ts';
import { descriptionOf } from './csv/sanitize-description.ts';
import type { TextTask, TextThreadMessage } from './text-reader.ts';

/** The main thread receives such a batch within some milliseconds. */
const batchLengthMax = 1_000_000;
const batchProductsMax = 250;

const port = parentPort as MessagePort;
const inbox = on(port, 'message');

/** The answer to a message. The main thread answers each message once, in order. */
async function ask(message: TextThreadMessage): Promise<Uint8Array | null> {
  port.postMessage(message);
  const { value } = await inbox.next();
  return (value as [Uint8Array | null])[0];
}

async function* fileBytes(): AsyncGenerator<Uint8Array> {
  for (;;) {
    const bytes = await ask({ kind: 'bytes' });
    if (bytes === null) return;
    yield bytes;
  }
}

async function readFile(): Promise<void> {
  const file = new ProductFile();
  let products: Extract<TextThreadMessage, { kind: 'products' }>['products'] = [];
  let length = 0;
  const send = (isLast: boolean) => {
    const message = { kind: 'products', products, rowsRead: file.rowsRead, isLast } as const;
    products = [];
    length = 0;
    return ask({ ...message, columns: file.columns });
  };
  for await (const product of file.read(fileBytes())) {
    products.push(product);
    length += lengthOf(product.draft);
    if (length >= batchLengthMax || products.length === batchProductsMax) await send(false);
  }
  await send(true);
}

function lengthOf(draft: ProductDraft | null): number {
  return (draft?.descriptionHtml?.length ?? 0) + 500 * (draft?.variants.length ?? 0);
}

const task = workerData as TextTask;
if (task.kind === 'file') await readFile();
else await ask({ kind: 'description', reading: descriptionOf(task.html) });
