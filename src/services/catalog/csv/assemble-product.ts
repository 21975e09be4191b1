/**
 * From the rows of one product to its draft. The first row tells of the product and its first
 * variant; each further row adds a variant, a picture, or both. Pure.
 */
import { parseAmount } from '../../../shop/money.ts';
import { type Image, stockUnitsMax, unitPriceMax } from '../../../shop/product.ts';
import type {
  DraftError,
  DraftField,
  ProductDraft,
  VariantDraft,
} from '../../../shop/product-draft.ts';
import { splitList } from './list-cell.ts';
import { sanitizeDescription } from './sanitize-description.ts';

export interface ProductRow {
  /** As a spreadsheet counts: the header is row 1. */
  readonly row: number;
  /** The trimmed cell of a field; empty where the file has no such column. */
  readonly cell: (field: DraftField) => string;
}

export interface Assembly {
  readonly draft: ProductDraft;
  readonly errors: readonly DraftError[];
}

const textLengthMax = 255;
const namesMax = 250;
const imagesMax = 250;
const urlLengthMax = 2_048;
const optionFields = [
  ['option1Name', 'option1Value'],
  ['option2Name', 'option2Value'],
  ['option3Name', 'option3Value'],
] as const satisfies readonly (readonly [DraftField, DraftField])[];

/** `rows` is not empty. `handle` is clean. The draft is worth something only without errors. */
export function assembleProduct(handle: string, rows: readonly [ProductRow, ...ProductRow[]]) {
  const errors: DraftError[] = [];
  const fail = (row: ProductRow, field: DraftField, message: string): void => {
    errors.push({ row: row.row, field, message });
  };
  const [first] = rows;
  if (first.cell('title') === '') fail(first, 'title', 'a product needs a title');
  for (const field of ['title', 'vendor', 'type', 'category'] as const) {
    const { length } = first.cell(field);
    if (length > textLengthMax) fail(first, field, `longer than ${textLengthMax} characters`);
  }
  const tags = readNames(first, 'tags', fail);
  const collections = readNames(first, 'collection', fail);
  const optionNames = readOptionNames(first);
  const draft: ProductDraft = {
    handle,
    title: first.cell('title'),
    descriptionHtml: sanitizeDescription(first.cell('description')),
    vendor: first.cell('vendor'),
    // The taxonomy's last step is the nearest thing to a type: "Toys > Plush" is "Plush".
    type: first.cell('type') || (first.cell('category').split('>').at(-1) ?? '').trim(),
    tags,
    published: readPublished(first, fail),
    images: readImages(rows, fail),
    optionNames,
    collections: collections.length === 0 ? null : collections,
    variants: readVariants(rows, optionNames, fail),
    row: first.row,
  };
  return { draft, errors } satisfies Assembly;
}

type Fail = (row: ProductRow, field: DraftField, message: string) => void;

function readNames(first: ProductRow, field: 'tags' | 'collection', fail: Fail): string[] {
  const names = splitList(first.cell(field));
  const noun = field === 'tags' ? 'tag' : 'collection';
  if (names.length > namesMax) fail(first, field, `more than ${namesMax} ${noun}s`);
  if (names.some((name) => name.length > textLengthMax)) {
    fail(first, field, `a ${noun} is longer than ${textLengthMax} characters`);
  }
  return names;
}

/** A product of one form is written as option "Title" with the value "Default Title". */
function readOptionNames(first: ProductRow): string[] {
  const names = optionFields.map(([name]) => first.cell(name));
  if (names[0]?.toLowerCase() === 'title' && /^default( title)?$/i.test(first.cell('option1Value')))
    return [];
  return names.filter((name) => name !== '');
}

function readPublished(first: ProductRow, fail: Fail): boolean {
  const published = readBoolean(first.cell('published'));
  if (published === null) {
    fail(first, 'published', `"${excerpt(first.cell('published'))}" is neither true nor false`);
  }
  const status = first.cell('status').toLowerCase();
  if (!['', 'active', 'draft', 'archived', 'unlisted'].includes(status)) {
    fail(first, 'status', `"${excerpt(status)}" is none of active, draft, archived, unlisted`);
  }
  return published !== false && (status === '' || status === 'active');
}

/** An empty cell is true: a file that says nothing wants its products seen. */
function readBoolean(cell: string): boolean | null {
  if (/^(|true|yes|1)$/i.test(cell)) return true;
  return /^(false|no|0)$/i.test(cell) ? false : null;
}

function readImages(rows: readonly ProductRow[], fail: Fail): Image[] {
  const found: { image: Image; position: number }[] = [];
  for (const row of rows) {
    const url = row.cell('imageUrl');
    if (url === '') continue;
    checkUrl(row, 'imageUrl', fail);
    const alt = row.cell('imageAlt');
    if (alt.length > 2 * textLengthMax) fail(row, 'imageAlt', 'longer than 510 characters');
    const position = row.cell('imagePosition');
    if (position !== '' && !/^\d{1,6}$/.test(position)) {
      fail(row, 'imagePosition', `"${excerpt(position)}" is not a position`);
    }
    if (found.some((each) => each.image.url === url)) continue;
    found.push({ image: { url, alt }, position: position === '' ? 1e6 : Number(position) });
    if (found.length === imagesMax + 1) fail(row, 'imageUrl', `more than ${imagesMax} pictures`);
  }
  found.sort((a, b) => a.position - b.position);
  return found.map((each) => each.image);
}

function checkUrl(row: ProductRow, field: DraftField, fail: Fail): void {
  const url = row.cell(field);
  if (url === '' || url.startsWith('/media/')) return;
  const isWeb = URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
  if (!isWeb) fail(row, field, `"${excerpt(url)}" is not a web address`);
  else if (url.length > urlLengthMax) fail(row, field, `longer than ${urlLengthMax} characters`);
}

const variantFields: readonly DraftField[] = [
  'option1Value',
  'option2Value',
  'option3Value',
  'sku',
  'price',
  'compareAt',
  'quantity',
];

function readVariants(
  rows: readonly ProductRow[],
  optionNames: readonly string[],
  fail: Fail,
): VariantDraft[] {
  const variants: VariantDraft[] = [];
  const combinations = new Set<string>();
  for (const [index, row] of rows.entries()) {
    if (index > 0 && variantFields.every((field) => row.cell(field) === '')) continue;
    const variant = readVariant(row, optionNames, fail);
    const combination = JSON.stringify(variant.optionValues);
    if (combinations.has(combination)) {
      const what = optionNames.length === 0 ? 'no options' : 'the same option values';
      fail(row, 'option1Value', `an earlier variant of this product has ${what}`);
    }
    combinations.add(combination);
    variants.push(variant);
  }
  return variants;
}

function readVariant(row: ProductRow, optionNames: readonly string[], fail: Fail): VariantDraft {
  const optionValues = optionNames.map((name, index) => {
    const field = optionFields[index]?.[1] ?? 'option1Value';
    const value = row.cell(field);
    if (value === '') fail(row, field, `no value for the option "${excerpt(name)}"`);
    if (value.length > textLengthMax) fail(row, field, `longer than ${textLengthMax} characters`);
    return value;
  });
  const sku = row.cell('sku');
  if (sku.length > textLengthMax) fail(row, 'sku', `longer than ${textLengthMax} characters`);
  checkUrl(row, 'variantImage', fail);
  return {
    sku: sku === '' ? null : sku,
    optionValues,
    price: readAmount(row, 'price', fail),
    compareAt: readAmount(row, 'compareAt', fail) || null,
    counted: null,
    quantity: readQuantity(row, fail),
    imageUrl: row.cell('variantImage'),
    row: row.row,
  };
}

/** Minor units, or null for an empty cell. Zero is a price: some things are given away. */
function readAmount(row: ProductRow, field: 'price' | 'compareAt', fail: Fail): number | null {
  const cell = row.cell(field);
  if (cell === '') return null;
  const amount = parseAmount(cell);
  if (amount !== null && amount <= unitPriceMax) return amount;
  if (/^-\s*[\d.,]+$/.test(cell)) fail(row, field, `a price cannot be negative: ${excerpt(cell)}`);
  else if (amount !== null) fail(row, field, `a price is at most ${unitPriceMax / 100}`);
  else fail(row, field, `"${excerpt(cell)}" is not a price such as 12.99`);
  return null;
}

function readQuantity(row: ProductRow, fail: Fail): number | null {
  const cell = row.cell('quantity');
  if (cell === '') return null;
  if (/^\d{1,10}$/.test(cell) && Number(cell) <= stockUnitsMax) return Number(cell);
  if (/^-\s*\d+$/.test(cell)) {
    fail(row, 'quantity', `a quantity cannot be negative: ${excerpt(cell)}`);
  } else if (/^\d+$/.test(cell)) fail(row, 'quantity', `a quantity is at most ${stockUnitsMax}`);
  else fail(row, 'quantity', `"${excerpt(cell)}" is not a whole number`);
  return null;
}

function excerpt(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
