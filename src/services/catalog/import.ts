/**
 * Imports a product file while it arrives: chunks of products, each chunk one transaction. What is
 * saved stays saved if the rest of the file turns out to be bad; a product is all or nothing.
 *
 * A quantity in a file is what shall be on the shelf from now on, whatever was sold since the file
 * was written: the difference goes into the stock movements as an adjustment, so that the account
 * still adds up. A file without quantities leaves the counts alone.
 */
import type { ImportReport } from '../../api/admin-product.ts';
import type { Database } from '../../kit/database/postgres.ts';
import { isRetryable } from '../../kit/database/postgres.ts';
import type { ProductDraft } from '../../shop/product-draft.ts';
import { type FileProduct, openProductFile, type RowError } from './csv/read-product-file.ts';
import type { ProductChange } from './invalidations.ts';
import { runUntilDone } from './run-again.ts';
import { type SaveCause, type SaveResult, saveProducts } from './save-products.ts';

/** A chunk of 250 holds its products' locks for some 50 ms. */
const chunkProductsMax = 250;
const chunkRowsMax = 2_500;
const errorsMax = 1_000;

export interface ImportParts {
  readonly database: Database;
  readonly actor: string;
  readonly announce: (changes: readonly ProductChange[]) => void;
}

export async function importProducts(
  parts: ImportParts,
  source: AsyncIterable<Uint8Array>,
): Promise<ImportReport> {
  const file = openProductFile(source);
  const errors: RowError[] = [];
  let [created, updated, rows] = [0, 0, 0];
  let chunk: FileProduct[] = [];
  const flush = async (): Promise<void> => {
    const saved = await saveChunk(parts, chunk);
    created += saved.created;
    updated += saved.updated;
    errors.push(...saved.errors);
    chunk = [];
    rows = 0;
  };
  for await (const product of file.products) {
    errors.push(...product.errors);
    if (product.draft === null) continue;
    chunk.push(product);
    rows += product.draft.variants.length;
    if (chunk.length === chunkProductsMax || rows >= chunkRowsMax) await flush();
  }
  if (chunk.length > 0) await flush();
  return { created, updated, rows: file.rowsRead(), errors: limited(errors) };
}

function limited(errors: RowError[]): RowError[] {
  errors.sort((a, b) => a.row - b.row);
  if (errors.length <= errorsMax) return errors;
  const shown = errors.slice(0, errorsMax);
  const more = errors.length - errorsMax;
  return [
    ...shown,
    { row: shown.at(-1)?.row ?? 0, column: '', message: `and ${more} more errors` },
  ];
}

interface ChunkResult {
  readonly created: number;
  readonly updated: number;
  readonly errors: readonly RowError[];
}

/** A product that the database refuses is found by halving, so that it spoils no other. */
async function saveChunk(parts: ImportParts, chunk: readonly FileProduct[]): Promise<ChunkResult> {
  const drafts = chunk.map((product) => product.draft as ProductDraft);
  const nameOf = chunk[0]?.nameOf ?? String;
  const cause: SaveCause = { actor: parts.actor, reason: 'import', action: 'products.imported' };
  let result: SaveResult;
  try {
    result = await runUntilDone(parts.database, (sql) => saveProducts(sql, drafts, cause));
  } catch (error) {
    if (isRetryable(error)) throw error;
    const [first] = drafts;
    if (drafts.length === 1 && first !== undefined) {
      const message = `cannot be saved: ${(error as Error).message}`;
      const refused = { row: first.row, column: nameOf('handle'), message };
      return { created: 0, updated: 0, errors: [refused] };
    }
    const middle = chunk.length >> 1;
    const before = await saveChunk(parts, chunk.slice(0, middle));
    const after = await saveChunk(parts, chunk.slice(middle));
    return {
      created: before.created + after.created,
      updated: before.updated + after.updated,
      errors: [...before.errors, ...after.errors],
    };
  }
  parts.announce(result.changes);
  const errors = result.errors.map(({ row, field, message }) => {
    return { row, column: nameOf(field), message };
  });
  return { created: result.created, updated: result.updated, errors };
}
