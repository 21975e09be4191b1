/**
 * Reads a Shopify product file as a stream, one product at a time.
 *
 * A product is the run of rows with one handle. It is all or nothing: a bad cell spoils its own
 * product and no other, and is named by row and column. Rows are counted as a spreadsheet counts
 * them, the header being row 1. What spoils the whole file (no such columns, not text) yields one
 * error and no product.
 */
import { pipeline } from 'node:stream';
import { parse } from 'csv-parse';
import { cleanHandle, handleFrom } from '../../../shop/handle.ts';
import type { DraftField, ProductDraft } from '../../../shop/product-draft.ts';
import { assembleProduct, type ProductRow } from './assemble-product.ts';
import { type ColumnMap, columnName, guessDelimiter, mapColumns } from './columns.ts';

export interface RowError {
  readonly row: number;
  readonly column: string;
  readonly message: string;
}

/** A product that can be saved, or the reasons why it cannot. */
export interface FileProduct {
  readonly draft: ProductDraft | null;
  readonly errors: readonly RowError[];
  /** How the file calls a field, for errors that are found later. */
  readonly nameOf: (field: DraftField) => string;
}

export interface ProductFile {
  readonly products: AsyncGenerator<FileProduct>;
  /** Data rows read so far, blank ones left out. */
  readonly rowsRead: () => number;
}

const cellLengthMax = 500_000;
const rowsPerProductMax = 2_500;
const columnsMax = 1_000;

interface Group {
  readonly handle: string;
  readonly title: string;
  readonly rows: [ProductRow, ...ProductRow[]];
  readonly errors: RowError[];
}

export function openProductFile(source: AsyncIterable<Uint8Array>): ProductFile {
  const reader = new ProductReader();
  return { products: reader.read(source), rowsRead: () => reader.rowsRead };
}

class ProductReader {
  rowsRead = 0;
  #columns: ColumnMap = mapColumns([]);
  readonly #handles = new Map<string, number>();
  readonly #skus = new Map<string, number>();
  readonly #nameOf = (field: DraftField): string => columnName(this.#columns, field);

  async *read(source: AsyncIterable<Uint8Array>): AsyncGenerator<FileProduct> {
    const unreadable: { row: number; position: number }[] = [];
    let [row, parsed] = [0, 0]; // the parser runs ahead of this loop
    let group: Group | null = null;
    const parser = parse({
      bom: true,
      relax_column_count: true,
      relax_quotes: true,
      skip_records_with_error: true,
      on_record: (record) => {
        parsed += 1;
        return record;
      },
      on_skip: (error) => {
        unreadable.push({ row: parsed + 1, position: Number(error?.['index'] ?? 0) });
      },
    });
    // Both ends hear of the other's; a failure of the source is thrown by the loop below.
    const records: AsyncIterable<string[]> = pipeline(source, parser, () => {});
    for await (const cells of records) {
      row += 1;
      if (row === 1) {
        const { fatal, errors } = this.#readHeader(cells);
        if (errors.length > 0) yield this.#outcome(null, errors);
        if (fatal) return;
        continue;
      }
      if (cells.every((cell) => cell.trim() === '')) continue;
      this.rowsRead += 1;
      const errors = this.#checkCells(row, cells);
      const next = this.#productRow(row, cells);
      const key = identify(next);
      if (group !== null && continues(group, key, next)) {
        group.rows.push(next);
        group.errors.push(...errors);
        if (group.rows.length > rowsPerProductMax) group.rows.pop();
        continue;
      }
      if (group !== null) yield this.#finish(group);
      group = this.#open(key, next, errors);
    }
    if (group !== null) yield this.#finish(group);
    const errors = unreadable.map(({ row, position }): RowError => {
      const message = 'a quotation mark is opened here and never closed';
      return { row, column: this.#columns.names[position] ?? '', message };
    });
    if (row === 0 && errors.length === 0) errors.push(emptyFile);
    if (errors.length > 0) yield this.#outcome(null, errors);
  }

  #outcome(draft: ProductDraft | null, errors: readonly RowError[]): FileProduct {
    return { draft, errors, nameOf: this.#nameOf };
  }

  #readHeader(cells: readonly string[]): { fatal: boolean; errors: RowError[] } {
    const failure = (message: string, column = excerpt(cells[0] ?? '')) => ({
      fatal: true,
      errors: [{ row: 1, column, message }],
    });
    if (cells.some((cell) => !isText(cell))) return failure('the file is not UTF-8 text', '');
    const columns = mapColumns(cells);
    if (!columns.positions.has('title') && !columns.positions.has('handle')) {
      const meant = cells.length === 1 ? guessDelimiter(cells[0] ?? '') : null;
      if (meant === null) return failure('not a product file: it has neither Title nor Handle');
      return failure(`columns are separated by commas here, not by a ${meant}`);
    }
    if (cells.length > columnsMax) return failure(`more than ${columnsMax} columns`);
    this.#columns = columns;
    const warn = (message: string) => (column: string) => ({ row: 1, column, message });
    const errors = [
      ...columns.unknown.map(warn('unknown column, not imported')),
      ...columns.repeated.map(warn('the column is there twice; the first one counts')),
    ];
    return { fatal: false, errors };
  }

  #checkCells(row: number, cells: readonly string[]): RowError[] {
    const { names } = this.#columns;
    const errors: RowError[] = [];
    if (cells.length !== names.length) {
      const column = names[Math.min(cells.length, names.length - 1)] ?? '';
      const message = `the row has ${cells.length} columns, the header has ${names.length}`;
      errors.push({ row, column, message });
    }
    for (const [index, cell] of cells.entries()) {
      if (cell === '') continue;
      const column = names[index] ?? '';
      if (cell.length > cellLengthMax) {
        const message = `the cell holds ${cell.length} characters; at most ${cellLengthMax}`;
        errors.push({ row, column, message });
      } else if (!isText(cell)) errors.push({ row, column, message: 'not UTF-8 text' });
    }
    return errors;
  }

  #productRow(row: number, cells: readonly string[]): ProductRow {
    const { positions } = this.#columns;
    const cell = (field: DraftField): string => {
      const position = positions.get(field);
      return position === undefined ? '' : (cells[position] ?? '').trim();
    };
    return { row, cell };
  }

  #open(handle: string, first: ProductRow, errors: RowError[]): Group {
    const { row } = first;
    const earlier = this.#handles.get(handle);
    if (handle === '') {
      const message = 'neither a handle nor a title';
      errors.push({ row, column: this.#nameOf('handle'), message });
    } else if (earlier !== undefined) {
      const message = `the handle "${excerpt(handle)}" is already used by the product of row ${earlier}`;
      errors.push({ row, column: this.#nameOf('handle'), message });
    } else this.#handles.set(handle, row);
    return { handle, title: first.cell('title'), rows: [first], errors };
  }

  #finish(group: Group): FileProduct {
    if (group.errors.length > 0) return this.#outcome(null, group.errors);
    const { draft, errors } = assembleProduct(group.handle, group.rows);
    const named = errors.map(({ row, field, message }) => {
      return { row, column: this.#nameOf(field), message };
    });
    if (group.rows.length >= rowsPerProductMax) {
      const message = `a product has fewer than ${rowsPerProductMax} rows`;
      named.push({ row: draft.row, column: this.#nameOf('handle'), message });
    }
    if (named.length === 0) named.push(...this.#claimSkus(draft));
    return this.#outcome(named.length === 0 ? draft : null, named);
  }

  /** A SKU belongs to the first product of the file that names it. */
  #claimSkus(draft: ProductDraft): RowError[] {
    const errors: RowError[] = [];
    const own = new Map<string, number>();
    for (const { sku, row } of draft.variants) {
      if (sku === null) continue;
      const earlier = own.get(sku) ?? this.#skus.get(sku);
      if (earlier === undefined) own.set(sku, row);
      else {
        const message = `the SKU "${excerpt(sku)}" is already used in row ${earlier}`;
        errors.push({ row, column: this.#nameOf('sku'), message });
      }
    }
    if (errors.length === 0) for (const [sku, row] of own) this.#skus.set(sku, row);
    return errors;
  }
}

const emptyFile: RowError = { row: 1, column: '', message: 'the file is empty' };

/** A row without a handle is a product of its own, named after its title. */
function identify(row: ProductRow): string {
  const handle = cleanHandle(row.cell('handle'));
  return handle === '' ? handleFrom(row.cell('title')) : handle;
}

/** Some programs repeat the title on each row of a product; another title is another product. */
function continues(group: Group, handle: string, row: ProductRow): boolean {
  if (handle !== group.handle) return false;
  const title = row.cell('title');
  return title === '' || title === group.title;
}

/** False for NUL, which no text holds, and for the mark that a decoder leaves for a wrong byte. */
function isText(cell: string): boolean {
  return !cell.includes('\u0000') && !cell.includes('\ufffd');
}

function excerpt(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
