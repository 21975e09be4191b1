/**
 * Reads a Shopify product file as a stream, one product at a time.
 *
 * A product is the run of rows with one handle. It is all or nothing: a bad cell spoils its own
 * product and no other, and is named by row and column. A later run with the same handle adds its
 * variants and pictures to the product. Unambiguous mistakes are corrected, with a warning. Rows
 * are counted as a spreadsheet counts them, the header being row 1. What spoils the whole file (no
 * such columns, not text) yields one error and no product.
 *
 * Rejected: gathering the rows of the whole file first. It took 1.6 GB for a file of 62 MB.
 */
import { cleanHandle, handleFrom } from '../../../shop/handle.ts';
import type { DraftField, DraftRemark, ProductDraft } from '../../../shop/product-draft.ts';
import { descriptionLengthMax, excerpt, textFault } from '../../../shop/product-fields.ts';
import { assembleProduct, type ProductIdentity, type ProductRow } from './assemble-product.ts';
import { type ColumnMap, columnName, mapColumns, meantColumn } from './columns.ts';
import { restoreCell } from './formula-cell.ts';
import { openRows } from './open-rows.ts';

export interface RowRemark {
  readonly row: number;
  readonly column: string;
  readonly message: string;
}

/** A product that can be saved, or the reasons why it cannot. */
export interface FileProduct {
  readonly draft: ProductDraft | null;
  readonly errors: readonly RowRemark[];
  readonly warnings: readonly RowRemark[];
}

const rowsPerProductMax = 2_500;
const columnsMax = 1_000;

interface Group {
  readonly key: string;
  readonly title: string;
  readonly identity: ProductIdentity;
  readonly rows: [ProductRow, ...ProductRow[]];
  readonly errors: RowRemark[];
  readonly warnings: RowRemark[];
}

/** With the names that the file gives to its columns. */
export function nameRemarks(columns: ColumnMap, remarks: readonly DraftRemark[]): RowRemark[] {
  return remarks.map(({ row, field, message }) => {
    return { row, column: columnName(columns, field), message };
  });
}

export class ProductFile {
  /** Data rows read so far, blank ones left out. */
  rowsRead = 0;
  columns: ColumnMap = mapColumns([]);
  /** The first row and the title of every product so far. */
  readonly #known = new Map<string, { readonly row: number; readonly title: string }>();

  async *read(source: AsyncIterable<Uint8Array>): AsyncGenerator<FileProduct> {
    const { rows, broken } = await openRows(source);
    let row = 0;
    let group: Group | null = null;
    for await (const cells of rows) {
      row += 1;
      if (cells.every((cell) => cell.trim() === '')) continue;
      if (this.columns.names.length === 0) {
        const { errors, warnings, isFatal } = this.#readHeader(row, cells);
        if (errors.length + warnings.length > 0) yield { draft: null, errors, warnings };
        if (isFatal) return;
        continue;
      }
      this.rowsRead += 1;
      const errors = this.#checkCells(row, cells);
      const next = this.#productRow(row, cells);
      if (group !== null && continues(group, next)) {
        group.errors.push(...errors);
        if (group.rows.length < rowsPerProductMax) group.rows.push(next);
        continue;
      }
      if (group !== null) yield this.#finish(group);
      group = this.#open(next, errors);
    }
    if (group !== null) yield this.#finish(group);
    const errors = broken.map(({ row, position }): RowRemark => {
      const message = 'a quotation mark is opened here and never closed';
      return { row, column: this.columns.names[position] ?? '', message };
    });
    if (this.columns.names.length === 0 && errors.length === 0) {
      errors.push({ row: 1, column: '', message: 'the file is empty' });
    }
    if (errors.length > 0) yield { draft: null, errors, warnings: [] };
  }

  #nameOf(field: DraftField): string {
    return columnName(this.columns, field);
  }

  #readHeader(row: number, cells: readonly string[]) {
    const [first = ''] = cells;
    const failure = (message: string, column = excerpt(first)) => ({
      isFatal: true,
      errors: [{ row, column, message }],
      warnings: [],
    });
    if (first.startsWith('PK\u0003\u0004')) {
      return failure('this is a spreadsheet (.xlsx): save it as CSV and import that', '');
    }
    if (cells.some((cell) => /(?!\s)\p{Cc}|\ufffd/u.test(cell))) {
      return failure('not a text file: save it as CSV (UTF-8) and import that', '');
    }
    const columns = mapColumns(cells);
    if (!(['title', 'handle', 'sku'] as const).some((field) => columns.positions.has(field))) {
      return failure('not a product file: it has neither Title nor Handle nor Variant SKU');
    }
    if (cells.length > columnsMax) return failure(`more than ${columnsMax} columns`);
    this.columns = columns;
    const unknown = columns.unknown.map((column) => {
      const meant = meantColumn(columns, column);
      const hint = meant === null ? '' : `; did you mean "${meant}"?`;
      return { row, column, message: `unknown column, not imported${hint}` };
    });
    const repeated = columns.repeated.map((column) => {
      return { row, column, message: 'the column is there twice; the first one counts' };
    });
    return { isFatal: false, errors: [], warnings: [...unknown, ...repeated] };
  }

  #checkCells(row: number, cells: readonly string[]): RowRemark[] {
    const { names } = this.columns;
    const errors: RowRemark[] = [];
    const isLonger = cells.slice(names.length).some((cell) => cell.trim() !== '');
    if (cells.length < names.length || isLonger) {
      const column = names[Math.min(cells.length, names.length - 1)] ?? '';
      const message = `the row has ${cells.length} columns, the header has ${names.length}`;
      errors.push({ row, column, message });
    }
    for (const [index, cell] of cells.entries()) {
      const fault =
        cell.length > descriptionLengthMax
          ? `the cell holds ${cell.length} characters; at most ${descriptionLengthMax}`
          : textFault(cell);
      if (fault !== null) errors.push({ row, column: names[index] ?? '', message: fault });
    }
    return errors;
  }

  #productRow(row: number, cells: readonly string[]): ProductRow {
    const { positions } = this.columns;
    const cell = (field: DraftField): string | undefined => {
      const position = positions.get(field);
      return position === undefined ? undefined : restoreCell((cells[position] ?? '').trim());
    };
    return { row, cell };
  }

  #open(first: ProductRow, errors: RowRemark[]): Group {
    const { row } = first;
    const { key, ...identity } = identify(first);
    const title = first.cell('title') ?? '';
    const warnings: RowRemark[] = [];
    const earlier = this.#known.get(key);
    const fail = (field: DraftField, message: string) =>
      errors.push({ row, column: this.#nameOf(field), message });
    if (key === '') fail('handle', 'neither a handle, a title nor a SKU');
    else if (earlier === undefined) this.#known.set(key, { row, title });
    else if (identity.handle === '') fail('sku', `the SKU is named in row ${earlier.row} already`);
    else if (title !== '' && title !== earlier.title) {
      const handle = excerpt(identity.handle);
      fail('handle', `the handle "${handle}" is already used by the product of row ${earlier.row}`);
    } else {
      const message = `more of the product of row ${earlier.row}: added to it`;
      warnings.push({ row, column: this.#nameOf('handle'), message });
    }
    const isMore = earlier !== undefined;
    return { key, title, identity: { ...identity, isMore }, rows: [first], errors, warnings };
  }

  #finish({ identity, rows, errors, warnings }: Group): FileProduct {
    if (errors.length > 0) return { draft: null, errors, warnings: [] };
    const assembly = assembleProduct(identity, rows);
    const named = nameRemarks(this.columns, assembly.errors);
    if (rows.length >= rowsPerProductMax) {
      const message = `a product has fewer than ${rowsPerProductMax} rows`;
      named.push({ row: rows[0].row, column: this.#nameOf('handle'), message });
    }
    const noted = [...warnings, ...nameRemarks(this.columns, assembly.notes)];
    if (named.length > 0) return { draft: null, errors: named, warnings: [] };
    return { draft: assembly.draft, errors: [], warnings: noted };
  }
}

/**
 * Which product a row is of: that of its handle, or else named after its title. Without both it is
 * that of its SKU.
 */
function identify(row: ProductRow) {
  const given = cleanHandle(row.cell('handle') ?? '');
  const handle = given === '' ? handleFrom(row.cell('title') ?? '') : given;
  const sku = row.cell('sku') ?? '';
  const key = handle === '' && sku !== '' ? `sku ${sku}` : handle;
  return { key, handle, isByHandle: given !== '' };
}

/** Some programs repeat the title on each row of a product; another title is another product. */
function continues(group: Group, row: ProductRow): boolean {
  if (identify(row).key !== group.key || group.identity.handle === '') return false;
  const title = row.cell('title') ?? '';
  return title === '' || title === group.title;
}
