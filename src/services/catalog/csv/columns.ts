/**
 * The columns of a Shopify product file, under their old names ("Variant Price", until 2024) and
 * their new ones ("Price"). Case and surrounding blanks do not matter.
 */
import type { DraftField } from '../../../shop/product-draft.ts';

/** The first name of each is the one that an export writes. */
const columnNames: Readonly<Record<DraftField, readonly [string, ...string[]]>> = {
  handle: ['Handle', 'URL handle'],
  title: ['Title'],
  description: ['Body (HTML)', 'Description', 'Body HTML'],
  vendor: ['Vendor'],
  category: ['Product Category', 'Standardized Product Type', 'Standard Product Type'],
  type: ['Type', 'Custom Product Type'],
  tags: ['Tags'],
  published: ['Published', 'Published on online store'],
  option1Name: ['Option1 Name'],
  option1Value: ['Option1 Value'],
  option2Name: ['Option2 Name'],
  option2Value: ['Option2 Value'],
  option3Name: ['Option3 Name'],
  option3Value: ['Option3 Value'],
  sku: ['Variant SKU', 'SKU'],
  quantity: ['Variant Inventory Qty', 'Inventory quantity'],
  price: ['Variant Price', 'Price'],
  compareAt: ['Variant Compare At Price', 'Compare-at price', 'Variant Compare-at Price'],
  imageUrl: ['Image Src', 'Product image URL'],
  imagePosition: ['Image Position'],
  imageAlt: ['Image Alt Text'],
  variantImage: ['Variant Image', 'Variant image URL'],
  status: ['Status'],
  collection: ['Collection', 'Collections', 'Custom Collections'],
};

/** Columns of the format that this shop has no use for: read past without a word. */
const ignored = new Set([
  ...['variant grams', 'variant inventory tracker', 'variant inventory policy'],
  ...['variant fulfillment service', 'variant requires shipping', 'variant taxable'],
  ...['variant barcode', 'gift card', 'seo title', 'seo description', 'variant weight unit'],
  ...['variant tax code', 'cost per item', 'barcode', 'barcodes', 'charge tax', 'tax code'],
  ...['unit price total measure', 'unit price total measure unit', 'unit price base measure'],
  ...['unit price base measure unit', 'inventory tracker', 'inventory policy'],
  ...['continue selling when out of stock', 'weight value (grams)', 'weight unit for display'],
  ...['requires shipping', 'fulfillment service', 'template suffix', 'published scope'],
]);
const ignoredPatterns = [
  /^google shopping \/ /,
  /\(.*metafields?\..*\)$/,
  /^metafield: /,
  /^option[123] linked to$/,
  /^(included|price|compare[- ]at price) \/ /,
];

const normalize = (name: string): string => name.trim().replace(/\s+/g, ' ').toLowerCase();

const fieldsByName = new Map<string, DraftField>(
  Object.entries(columnNames).flatMap(([field, names]) =>
    names.map((name): [string, DraftField] => [normalize(name), field as DraftField]),
  ),
);

export interface ColumnMap {
  /** The names as the file writes them. */
  readonly names: readonly string[];
  /** Position of each known field in a row. */
  readonly positions: ReadonlyMap<DraftField, number>;
  readonly unknown: readonly string[];
  readonly repeated: readonly string[];
}

export function mapColumns(header: readonly string[]): ColumnMap {
  const positions = new Map<DraftField, number>();
  const unknown: string[] = [];
  const repeated: string[] = [];
  for (const [index, name] of header.entries()) {
    const normal = normalize(name);
    const field = fieldsByName.get(normal);
    if (field !== undefined) {
      if (positions.has(field)) repeated.push(name);
      else positions.set(field, index);
    } else if (!ignored.has(normal) && !ignoredPatterns.some((each) => each.test(normal))) {
      unknown.push(name);
    }
  }
  return { names: header, positions, unknown, repeated };
}

/** What the file calls a field, or what it would be called. */
export function columnName(columns: ColumnMap, field: DraftField): string {
  const position = columns.positions.get(field);
  return position === undefined ? columnNames[field][0] : (columns.names[position] ?? '');
}

/** The name under which an export writes a field. */
export function exportedName(field: DraftField): string {
  return columnNames[field][0];
}

/** The delimiter that a one-column header was probably meant to have, or null. */
export function guessDelimiter(header: string): string | null {
  for (const [delimiter, label] of [
    [';', 'semicolon'],
    ['\t', 'tab'],
    ['|', 'vertical bar'],
    [':', 'colon'],
  ] as const) {
    const { positions } = mapColumns(header.split(delimiter));
    if (positions.has('title') || positions.has('handle')) return label;
  }
  return null;
}
