/** Writes products as a Shopify product file: what an import of it would make again. */
import { stringify } from 'csv-stringify/sync';
import type { Product } from '../../../shop/product.ts';
import { type DraftField, hasUsualCollections } from '../../../shop/product-draft.ts';
import { exportedName } from './columns.ts';
import { joinList } from './list-cell.ts';

const fields = [
  ...['handle', 'title', 'description', 'vendor', 'type', 'tags', 'published'],
  ...['option1Name', 'option1Value', 'option2Name', 'option2Value', 'option3Name', 'option3Value'],
  ...['sku', 'quantity', 'price', 'compareAt', 'imageUrl', 'imagePosition', 'imageAlt'],
  ...['variantImage', 'status', 'collection'],
] as readonly DraftField[];

type Cells = Partial<Record<DraftField, string>>;

export interface ExportedProduct extends Product {
  readonly published: boolean;
  readonly collections: readonly string[];
}

export function headerLine(): string {
  return stringify([fields.map(exportedName)]);
}

/** The lines of one product. `variantImages` are in the order of its variants. */
export function productLines(product: ExportedProduct, variantImages: readonly string[]): string {
  const count = Math.max(1, product.variants.length, product.images.length);
  const rows = Array.from({ length: count }, (_, index): Cells => {
    const image = product.images[index];
    return {
      handle: product.handle,
      ...(index === 0 ? productCells(product) : {}),
      ...variantCells(product, index),
      ...(variantImages[index] ? { variantImage: variantImages[index] } : {}),
      ...(image === undefined
        ? {}
        : { imageUrl: image.url, imageAlt: image.alt, imagePosition: String(index + 1) }),
    };
  });
  return stringify(rows.map((row) => fields.map((field) => row[field] ?? '')));
}

function productCells(product: ExportedProduct): Cells {
  const { collections, options, published } = product;
  const [first, second, third] = options;
  return {
    title: product.title,
    description: product.descriptionHtml,
    vendor: product.vendor,
    type: product.type,
    tags: joinList(product.tags),
    published: String(published),
    status: published ? 'active' : 'draft',
    option1Name: first?.name ?? 'Title',
    option2Name: second?.name ?? '',
    option3Name: third?.name ?? '',
    collection: hasUsualCollections(product) ? '' : joinList(collections),
  };
}

function variantCells(product: ExportedProduct, index: number): Cells {
  const variant = product.variants[index];
  if (variant === undefined) return {};
  const values = product.options.map((option) => variant.options[option.name] ?? '');
  const { price, compareAtPrice } = variant;
  return {
    option1Value: values[0] ?? 'Default Title',
    option2Value: values[1] ?? '',
    option3Value: values[2] ?? '',
    sku: variant.sku,
    quantity: String(variant.available),
    price: decimal(price.amount),
    compareAt: compareAtPrice === null ? '' : decimal(compareAtPrice.amount),
  };
}

function decimal(amount: number): string {
  return (amount / 100).toFixed(2);
}
