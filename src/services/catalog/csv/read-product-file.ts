/**
 * Reads a Shopify product file: its rows, gathered to products.
 *
 * A product is the rows with one handle. It is all or nothing: a bad cell spoils its own product and
 * no other, and is named by row and column. What can be understood in one way only is understood,
 * with a warning. Rows are counted as a spreadsheet counts them, the header being row 1. What spoils
 * the whole file (no such columns, not text) yields one error and no product.
 */
import { cleanHandle, handleFrom } from '../../../shop/handle.ts';
import type { DraftField, DraftRemark, ProductDraft } from '../../../shop/product-draft.ts';
import { descriptionLengthMax, excerpt, textFault } from '../../../shop/product-fields.ts';
import { assembleProduct, type ProductRow } from './assemble-product.ts';
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

export interface ProductFile {
  /** The file is read to its end before the first one. */
  readonly products: AsyncGenerator<FileProduct>;
  /** Data rows, blank ones left out. */
  readonly rowsRead: () => number;
  /** With the names that the file gives to its columns. */
  readonly nameRemarks: (remarks: readonly DraftRemark[]) => RowRemark[];
}

const rowsPerProductMax = 2_500;
const columnsMax = 1_000;

interface Group {
  readonly key: string;
  readonly handle: string;
  readonly isByHandle: boolean;
  readonly title: string;
  readonly rows: [ProductRow, ...ProductRow[]];
  readonly errors: RowRemark[];
  readonly warnings: RowRemark[];
}

export function openProductFile(source: AsyncIterable<Uint8Array>): ProductFile {
  const reader = new ProductReader();
  return {
    products: reader.read(source),
    rowsRead: () => reader.rowsRead,
    nameRemarks: reader.nameRemarks,
  };
}

class ProductReader {
  rowsRead = 0;
  #columns: ColumnMap = mapColumns([]);
  readonly #groups: Group[] = [];
  readonly #byKey = new Map<string, Group>();
  #latest: Group | null = null;

  readonly nameRemarks = (remarks: readonly DraftRemark[]): RowRemark[] =>
    remarks.map(({ row, field, message }) => ({ row, column: this.#nameOf(field), message }));

  async *read(source: AsyncIterable<Uint8Array>): AsyncGenerator<FileProduct> {
    const { rows, broken } = await openRows(source);
    let row = 0;
    for await (const cells of rows) {
      row += 1;
      if (row === 1) {
        const { errors, warnings, isFatal } = this.#readHeader(cells);
        if (errors.length + warnings.length > 0) yield { draft: null, errors, warnings };
        if (isFatal) return;
      } else if (cells.some((cell) => cell.trim() !== '')) this.#addRow(row, cells);
    }
    for (const group of this.#groups) yield this.#finish(group);
    const errors = broken.map(({ row, position }): RowRemark => {
      const message = 'a quotation mark is opened here and never closed';
      return { row, column: this.#columns.names[position] ?? '', message };
    });
    if (row === 0 && errors.length === 0) {
      errors.push({ row: 1, column: '', message: 'the file is empty' });
    }
    if (errors.length > 0) yield { draft: null, errors, warnings: [] };
  }

  #nameOf(field: DraftField): string {
    return columnName(this.#columns, field);
  }

  #readHeader(cells: readonly string[]) {
    const [first = ''] = cells;
    const failure = (message: string, column = excerpt(first)) => ({
      isFatal: true,
      errors: [{ row: 1, column, message }],
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
    this.#columns = columns;
    const unknown = columns.unknown.map((column) => {
      const meant = meantColumn(columns, column);
      const hint = meant === null ? '' : `; did you mean "${meant}"?`;
      return { row: 1, column, message: `unknown column, not imported${hint}` };
    });
    const repeated = columns.repeated.map((column) => {
      return { row: 1, column, message: 'the column is there twice; the first one counts' };
    });
    return { isFatal: false, errors: [], warnings: [...unknown, ...repeated] };
  }

  /** Rows of one product belong together wherever they stand. */
  #addRow(row: number, cells: readonly string[]): void {
    this.rowsRead += 1;
    const next = this.#productRow(row, cells);
    const errors = this.#checkCells(row, cells);
    const { key, handle, isByHandle } = identify(next);
    const title = next.cell('title') ?? '';
    const isNext = this.#latest?.key === key;
    let group = isNext ? this.#latest : (this.#byKey.get(key) ?? null);
    // Some programs repeat the title on each row of a product; another title is another product.
    const isOther = group !== null && title !== '' && title !== group.title && group.title !== '';
    if (group === null || isOther) {
      if (isOther) {
        const taken = `the handle "${excerpt(handle)}" is already used by the product of row`;
        const message = `${taken} ${group?.rows[0].row}`;
        errors.push({ row, column: this.#nameOf('handle'), message });
      } else if (key === '') {
        const message = 'neither a handle, a title nor a SKU';
        errors.push({ row, column: this.#nameOf('handle'), message });
      }
      group = { key, handle, isByHandle, title, rows: [next], errors, warnings: [] };
      this.#groups.push(group);
      if (!isOther && key !== '') this.#byKey.set(key, group);
    } else {
      if (!isNext) {
        const message = `belongs to the product of row ${group.rows[0].row}: gathered there`;
        group.warnings.push({ row, column: this.#nameOf('handle'), message });
      }
      group.errors.push(...errors);
      if (group.rows.length < rowsPerProductMax) group.rows.push(next);
    }
    this.#latest = group;
  }

  #checkCells(row: number, cells: readonly string[]): RowRemark[] {
    const { names } = this.#columns;
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
    const { positions } = this.#columns;
    const cell = (field: DraftField): string | undefined => {
      const position = positions.get(field);
      return position === undefined ? undefined : restoreCell((cells[position] ?? '').trim());
    };
    return { row, cell };
  }

  #finish({ handle, isByHandle, rows, errors, warnings }: Group): FileProduct {
    if (errors.length > 0) return { draft: null, errors, warnings: [] };
    const assembly = assembleProduct(handle, isByHandle, rows);
    const named = this.nameRemarks(assembly.errors);
    if (rows.length >= rowsPerProductMax) {
      const message = `a product has fewer than ${rowsPerProductMax} rows`;
      named.push({ row: rows[0].row, column: this.#nameOf('handle'), message });
    }
    const noted = [...warnings, ...this.nameRemarks(assembly.notes)];
    if (named.length > 0) return { draft: null, errors: named, warnings: [] };
    return { draft: assembly.draft, errors: [], warnings: noted };
  }
}

/**
 * Which product a row is of: that of its handle, or else named after its title. Without both it is
 * that of its SKU.
 */
function identify(row: ProductRow): Pick<Group, 'key' | 'handle' | 'isByHandle'> {
  const given = cleanHandle(row.cell('handle') ?? '');
  const handle = given === '' ? handleFrom(row.cell('title') ?? '') : given;
  const sku = row.cell('sku') ?? '';
  const key = handle === '' && sku !== '' ? `sku ${sku}` : handle;
  return { key, handle, isByHandle: given !== '' };
}
