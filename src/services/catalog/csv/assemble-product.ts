/**
 * From the rows of one product to its draft. The first row holds the product and its first
 * variant; each further row adds a variant, a picture, or both. A column that the file does not
 * have leaves its field as it is, and so does an empty cell where empty means nothing: a title, a
 * price, a quantity, a SKU, a status. Pure.
 */
import type {
  DraftField,
  DraftRemark,
  ProductDraft,
  VariantDraft,
} from '../../../shop/product-draft.ts';
import {
  imagesMax,
  type Reading,
  readAlt,
  readBarcode,
  readLine,
  readNames,
  readPicture,
  seoTextLengthMax,
} from '../../../shop/product-fields.ts';
import {
  readBoolean,
  readPrice,
  readQuantity,
  readStatus,
  readWeight,
  readWeightUnit,
} from './cell-values.ts';
import { splitList } from './list-cell.ts';
import { descriptionOf } from './sanitize-description.ts';

export interface ProductRow {
  /** As a spreadsheet counts: the header is row 1. */
  readonly row: number;
  /** The trimmed cell of a field; undefined where the file has no such column. */
  readonly cell: (field: DraftField) => string | undefined;
}

const optionFields = [
  ['option1Name', 'option1Value'],
  ['option2Name', 'option2Value'],
  ['option3Name', 'option3Value'],
] as const;

/** Any of these makes a row a variant. */
const variantFields = [
  ...(['option1Value', 'option2Value', 'option3Value', 'sku', 'price', 'compareAt'] as const),
  ...(['quantity', 'barcode', 'cost'] as const),
];
/** Programs write these on rows of pictures too, so they count on the first row only. */
const firstVariantFields = [
  ...(['grams', 'weightUnit', 'tracker', 'policy', 'variantImage'] as const),
];

export type ProductIdentity = Pick<ProductDraft, 'handle' | 'isByHandle' | 'isMore'>;

/** The draft is worth something only without errors. */
export function assembleProduct(
  identity: ProductIdentity,
  rows: readonly [ProductRow, ...ProductRow[]],
): { draft: ProductDraft; errors: readonly DraftRemark[]; notes: readonly DraftRemark[] } {
  const reader = new CellReader();
  const [first] = rows;
  const options = readOptions(rows, reader);
  const draft: ProductDraft = {
    ...identity,
    ...(identity.isMore ? {} : readProductCells(first, reader)),
    images: readImages(rows, reader),
    optionNames: options.names?.map((name) => reader.line(first, 'option1Name', name)),
    variants: rows
      .filter((row, index) => isVariant(row, index === 0))
      .map((row) => readVariant(row, options.values(row), reader)),
    hasAllVariants: false,
    countsNew: first.cell('quantity') !== undefined,
    isLenient: true,
    row: first.row,
  };
  return { draft, errors: reader.errors, notes: reader.notes };
}

/** What the first row says of the product itself. */
function readProductCells(first: ProductRow, reader: CellReader) {
  const collections = reader.take(first, 'collection', (cell) =>
    readNames(splitList(cell), 'collection'),
  );
  return {
    title: reader.takeFilled(first, 'title', readLine) ?? undefined,
    descriptionHtml: reader.take(first, 'description', descriptionOf),
    vendor: reader.take(first, 'vendor', readLine),
    type: readType(first, reader),
    tags: reader.take(first, 'tags', (cell) => readNames(splitList(cell), 'tag')),
    status: reader.takeFilled(first, 'status', readStatus) ?? undefined,
    published: reader.takeFilled(first, 'published', readBoolean) ?? undefined,
    giftCard: reader.takeFilled(first, 'giftCard', readBoolean) ?? undefined,
    seoTitle: reader.take(first, 'seoTitle', readLine),
    seoDescription: reader.take(first, 'seoDescription', (cell) => {
      return readLine(cell, seoTextLengthMax);
    }),
    collections: collections?.length === 0 ? null : collections,
  };
}

/** Reads one cell after the other and gathers what is wrong or worth a word. */
class CellReader {
  readonly errors: DraftRemark[] = [];
  readonly notes: DraftRemark[] = [];

  fail({ row }: ProductRow, field: DraftField, message: string): void {
    this.errors.push({ row, field, message });
  }

  note({ row }: ProductRow, field: DraftField, message: string): void {
    this.notes.push({ row, field, message });
  }

  /** Undefined where there is no such column, and where the cell cannot be understood. */
  take<T>(row: ProductRow, field: DraftField, rule: (cell: string) => Reading<T>): T | undefined {
    const cell = row.cell(field);
    if (cell === undefined) return undefined;
    const { value, note, fault } = rule(cell);
    if (fault !== undefined) this.fail(row, field, fault);
    if (note !== undefined) this.note(row, field, note);
    return value;
  }

  /** The same; null for an empty cell. */
  takeFilled<T>(row: ProductRow, field: DraftField, rule: (cell: string) => Reading<T>) {
    return row.cell(field) === '' ? null : this.take(row, field, rule);
  }

  /** Of text that is there whatever its column. */
  line(row: ProductRow, field: DraftField, text: string): string {
    const { value, fault } = readLine(text);
    if (fault !== undefined) this.fail(row, field, fault);
    return value ?? '';
  }
}

/** The taxonomy's last step is the nearest thing to a type: "Toys > Plush" is "Plush". */
function readType(first: ProductRow, reader: CellReader): string | undefined {
  const type = reader.take(first, 'type', readLine);
  const last = (cell: string) => readLine(cell.split('>').at(-1) ?? '');
  return type || (reader.takeFilled(first, 'category', last) ?? type);
}

function readImages(rows: readonly ProductRow[], reader: CellReader): ProductDraft['images'] {
  if (rows[0]?.cell('imageUrl') === undefined) return undefined;
  const found = new Map<string, { url: string; alt: string | undefined; position: number }>();
  for (const row of rows) {
    const url = reader.takeFilled(row, 'imageUrl', readPicture);
    if (!url) continue;
    const alt = reader.take(row, 'imageAlt', readAlt);
    const position = reader.takeFilled(row, 'imagePosition', readQuantity) ?? Infinity;
    if (!found.has(url)) found.set(url, { url, alt, position });
    if (found.size === imagesMax + 1) {
      reader.fail(row, 'imageUrl', `more than ${imagesMax} pictures`);
    }
  }
  const sorted = [...found.values()].sort((a, b) =>
    a.position === b.position ? 0 : a.position - b.position,
  );
  return sorted.map(({ url, alt }) => ({ url, alt }));
}

interface Options {
  /** Undefined: as they are. */
  readonly names: readonly string[] | undefined;
  readonly values: (row: ProductRow) => readonly string[] | undefined;
}

/** A product of one form is written as option "Title" with the value "Default Title". */
function readOptions(rows: readonly [ProductRow, ...ProductRow[]], reader: CellReader): Options {
  const [first] = rows;
  const cells = (row: ProductRow, part: 0 | 1) =>
    optionFields.map((fields) => row.cell(fields[part]) ?? '');
  const [name1 = ''] = cells(first, 0);
  if (/^title$/i.test(name1) && /^(default( title)?)?$/i.test(cells(first, 1)[0] ?? '')) {
    return { names: [], values: () => [] };
  }
  const named = cells(first, 0).flatMap((name, index) => (name === '' ? [] : [{ name, index }]));
  if (named.length > 0) {
    for (const [name, value] of optionFields) {
      const row = first.cell(name) ? undefined : rows.find((each) => each.cell(value));
      if (row) reader.note(row, value, 'the option has no name: its values are not imported');
    }
    const values = (row: ProductRow) => named.map(({ index }) => cells(row, 1)[index] ?? '');
    return { names: named.map(({ name }) => name), values };
  }
  const values = (row: ProductRow) => {
    const given = cells(row, 1);
    const count = given.findLastIndex((value) => value !== '') + 1;
    return count === 0 ? undefined : given.slice(0, count);
  };
  return { names: undefined, values };
}

function isVariant(row: ProductRow, isFirst: boolean): boolean {
  const fields = isFirst ? [...variantFields, ...firstVariantFields] : variantFields;
  return fields.some((field) => row.cell(field));
}

function readVariant(
  row: ProductRow,
  optionValues: readonly string[] | undefined,
  reader: CellReader,
): VariantDraft {
  const price = reader.takeFilled(row, 'price', readPrice) ?? undefined;
  // An empty cell ends a sale, unless the row names no price either; zero is how some write none.
  const compareAtCell = reader.takeFilled(row, 'compareAt', readPrice);
  const compareAt = compareAtCell === 0 ? null : compareAtCell;
  const quantity = reader.takeFilled(row, 'quantity', readQuantity) ?? undefined;
  const grams = reader.takeFilled(row, 'grams', readWeight);
  return {
    sku: reader.takeFilled(row, 'sku', readLine) ?? undefined,
    optionValues: optionValues?.map((value) => reader.line(row, 'option1Value', value)),
    price,
    compareAt: compareAt === null && price === undefined ? undefined : compareAt,
    cost: reader.takeFilled(row, 'cost', readPrice),
    counted: readCounted(row, quantity),
    quantity,
    quantityBefore: reader.takeFilled(row, 'quantityBefore', readQuantity) ?? undefined,
    imageUrl:
      reader.takeFilled(row, 'variantImage', readPicture) ?? (row.cell('variantImage') && ''),
    barcode: reader.take(row, 'barcode', readBarcode),
    grams,
    weightUnit: reader.take(row, 'weightUnit', readWeightUnit),
    row: row.row,
  };
}

/** Not counted is what nobody tracks, and what is sold on when none is left. */
function readCounted(row: ProductRow, quantity: number | undefined): boolean | undefined {
  if (/^(continue|true|yes)$/i.test(row.cell('policy') ?? '')) return false;
  if (row.cell('tracker') === '') return false;
  return quantity === undefined ? undefined : true;
}
