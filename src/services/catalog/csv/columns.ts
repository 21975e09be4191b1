/**
 * The columns of a Shopify product file, under their old names ("Variant Price", until 2024) and
 * their new ones ("Price"). Case and surrounding blanks do not matter.
 */
import { closest, distance } from 'fastest-levenshtein';
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
  barcode: ['Variant Barcode', 'Barcode', 'Barcodes'],
  grams: ['Variant Grams', 'Weight value (grams)'],
  weightUnit: ['Variant Weight Unit', 'Weight unit for display'],
  tracker: ['Variant Inventory Tracker', 'Inventory tracker'],
  quantity: ['Variant Inventory Qty', 'Inventory quantity'],
  quantityBefore: ['Exported Inventory Qty'],
  policy: ['Variant Inventory Policy', 'Continue selling when out of stock', 'Inventory policy'],
  price: ['Variant Price', 'Price'],
  compareAt: ['Variant Compare At Price', 'Compare-at price', 'Variant Compare-at Price'],
  cost: ['Cost per item', 'Variant Cost'],
  imageUrl: ['Image Src', 'Product image URL'],
  imagePosition: ['Image Position'],
  imageAlt: ['Image Alt Text'],
  variantImage: ['Variant Image', 'Variant image URL'],
  giftCard: ['Gift Card'],
  seoTitle: ['SEO Title'],
  seoDescription: ['SEO Description'],
  status: ['Status'],
  collection: ['Collection', 'Collections', 'Custom Collections'],
};

/** Columns of the format that this shop has no use for: read past without a word. */
const ignored = new Set([
  ...['variant fulfillment service', 'variant requires shipping', 'variant taxable'],
  ...['variant tax code', 'charge tax', 'tax code'],
  ...['unit price total measure', 'unit price total measure unit', 'unit price base measure'],
  ...['unit price base measure unit'],
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
    } else if (normal !== '' && !isIgnored(normal)) unknown.push(name);
  }
  return { names: header, positions, unknown, repeated };
}

function isIgnored(normal: string): boolean {
  return ignored.has(normal) || ignoredPatterns.some((each) => each.test(normal));
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

/** The column that an unknown name was probably meant to be: one that the file does not have. */
export function meantColumn(columns: ColumnMap, unknown: string): string | null {
  const absent = [...fieldsByName].filter(([, field]) => !columns.positions.has(field));
  const normal = normalize(unknown);
  const names = absent.map(([name]) => name);
  const nearest = names.length === 0 ? '' : closest(normal, names);
  const field = fieldsByName.get(nearest);
  const isNear = distance(normal, nearest) <= Math.max(1, Math.floor(normal.length / 4));
  if (field === undefined || !isNear) return null;
  return columnNames[field].find((name) => normalize(name) === nearest) ?? null;
}
