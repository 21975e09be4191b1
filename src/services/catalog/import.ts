/**
 * Imports a product file while it arrives: chunks of products, each chunk one transaction. What is
 * saved stays saved if a later part of the file is bad; a product is all or nothing.
 *
 * A quantity in a file is the stock from now on; the difference becomes a stock movement of the
 * kind `adjusted`, so that movements and stock still agree. An export carries each quantity twice:
 * where the owner changes one of the two, the difference is applied, whatever was sold in between.
 */
import type { ImportReport } from '../../api/admin-product.ts';
import type { Database } from '../../kit/database/postgres.ts';
import { isRetryable } from '../../kit/database/postgres.ts';
import type { ProductDraft } from '../../shop/product-draft.ts';
import type { RowRemark } from './csv/read-product-file.ts';
import type { ProductChange } from './invalidation-outbox.ts';
import { runUntilDone } from './retry-transaction.ts';
import { type SaveCause, type SaveResult, saveProducts } from './save-products.ts';
import { ProductFileReader } from './text-reader.ts';

/** A chunk of 250 holds its products' locks for some 50 ms. */
const chunkProductsMax = 250;
const chunkRowsMax = 2_500;
/** Characters of descriptions, which become one message to the database. */
const chunkTextMax = 1_000_000;
const remarksMax = 1_000;

export interface ImportParts {
  readonly database: Database;
  readonly actor: string;
  readonly announce: (changes: readonly ProductChange[]) => void;
}

export async function importProducts(
  parts: ImportParts,
  source: AsyncIterable<Uint8Array>,
): Promise<ImportReport> {
  const file = new ProductFileReader();
  const errors: RowRemark[] = [];
  const warnings: RowRemark[] = [];
  let [created, updated, rows, text] = [0, 0, 0, 0];
  let chunk: ProductDraft[] = [];
  const flush = async (): Promise<void> => {
    for (const saved of await saveChunk(parts, chunk)) {
      created += saved.created;
      updated += saved.updated;
      errors.push(...file.nameRemarks(saved.errors));
      warnings.push(...file.nameRemarks(saved.notes));
    }
    chunk = [];
    [rows, text] = [0, 0];
  };
  for await (const product of file.read(source)) {
    errors.push(...product.errors);
    warnings.push(...product.warnings);
    if (product.draft === null) continue;
    chunk.push(product.draft);
    rows += product.draft.variants.length;
    text += product.draft.descriptionHtml?.length ?? 0;
    const isFull = chunk.length === chunkProductsMax || rows >= chunkRowsMax;
    if (isFull || text >= chunkTextMax) await flush();
  }
  if (chunk.length > 0) await flush();
  return {
    created,
    updated,
    rows: file.rowsRead,
    errors: limited(errors, 'errors'),
    warnings: limited(warnings, 'warnings'),
  };
}

function limited(remarks: RowRemark[], noun: string): RowRemark[] {
  remarks.sort((a, b) => a.row - b.row);
  if (remarks.length <= remarksMax) return remarks;
  const shown = remarks.slice(0, remarksMax);
  const message = `and ${remarks.length - remarksMax} more ${noun}`;
  return [...shown, { row: shown.at(-1)?.row ?? 0, column: '', message }];
}

/** A product that the database refuses is found by halving, so that it spoils no other. */
async function saveChunk(
  parts: ImportParts,
  drafts: readonly ProductDraft[],
): Promise<readonly SaveResult[]> {
  const cause: SaveCause = { actor: parts.actor, reason: 'import', action: 'products.imported' };
  try {
    const result = await runUntilDone(parts.database, (sql) => saveProducts(sql, drafts, cause));
    parts.announce(result.changes);
    return [result];
  } catch (error) {
    if (isRetryable(error)) throw error;
    const [first] = drafts;
    if (drafts.length === 1 && first !== undefined) {
      const message = `cannot be saved: ${(error as Error).message}`;
      const refused = { row: first.row, field: 'handle' as const, message };
      return [{ created: 0, updated: 0, errors: [refused], notes: [], changes: [] }];
    }
    const middle = drafts.length >> 1;
    const before = await saveChunk(parts, drafts.slice(0, middle));
    return [...before, ...(await saveChunk(parts, drafts.slice(middle)))];
  }
}
