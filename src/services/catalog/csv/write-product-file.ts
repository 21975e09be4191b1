/** Writes products as a Shopify product file: what an import of it would make again. */
import { stringify } from 'csv-stringify/sync';
import type { Money } from '../../../shop/money.ts';
import { type DraftField, hasUsualCollections } from '../../../shop/product-draft.ts';
import type { OwnerProduct } from '../product-reads.ts';
import { exportedName } from './columns.ts';
import { protectCell } from './formula-cell.ts';
import { joinList } from './list-cell.ts';

const fields = [
  ...(['handle', 'title', 'description', 'vendor', 'type', 'tags', 'published'] as const),
  ...(['option1Name', 'option1Value', 'option2Name', 'option2Value'] as const),
  ...(['option3Name', 'option3Value', 'sku', 'grams', 'tracker', 'quantity'] as const),
  ...(['quantityBefore', 'policy', 'price', 'compareAt', 'barcode', 'imageUrl'] as const),
  ...(['imagePosition', 'imageAlt', 'giftCard', 'seoTitle', 'seoDescription'] as const),
  ...(['variantImage', 'weightUnit', 'cost', 'status', 'collection'] as const),
];

type Cells = Partial<Record<DraftField, string>>;

export function headerLine(): string {
  return stringify([fields.map(exportedName)]);
}

/** The lines of one product. */
export function productLines(product: OwnerProduct): string {
  const count = Math.max(1, product.variants.length, product.images.length);
  const rows = Array.from({ length: count }, (_, index): Cells => {
    const image = product.images[index];
    return {
      handle: product.handle,
      ...(index === 0 ? productCells(product) : {}),
      ...variantCells(product, index),
      ...(image === undefined
        ? {}
        : { imageUrl: image.url, imageAlt: image.alt, imagePosition: String(index + 1) }),
    };
  });
  return stringify(rows.map((row) => fields.map((field) => protectCell(row[field] ?? ''))));
}

function productCells(product: OwnerProduct): Cells {
  const { collections, options, published, status } = product;
  const [first, second, third] = options;
  const isPublic = status === 'active' || status === 'unlisted';
  return {
    title: product.title,
    description: product.descriptionHtml,
    vendor: product.vendor,
    type: product.type,
    tags: joinList(product.tags),
    // Of a draft it would only say that it is one, and keep it so when its status changes.
    published: isPublic ? String(published) : '',
    status,
    giftCard: String(product.giftCard),
    seoTitle: product.seoTitle,
    seoDescription: product.seoDescription,
    option1Name: first?.name ?? 'Title',
    option2Name: second?.name ?? '',
    option3Name: third?.name ?? '',
    collection: hasUsualCollections(product) ? '' : joinList(collections),
  };
}

function variantCells(product: OwnerProduct, index: number): Cells {
  const variant = product.variants[index];
  if (variant === undefined) return {};
  const values = product.options.map((option) => variant.options[option.name] ?? '');
  const quantity = variant.counted ? String(variant.available) : '';
  return {
    option1Value: values[0] ?? 'Default Title',
    option2Value: values[1] ?? '',
    option3Value: values[2] ?? '',
    sku: variant.sku,
    barcode: variant.barcode,
    grams: variant.grams === null ? '' : String(variant.grams),
    weightUnit: variant.weightUnit,
    tracker: variant.counted ? 'shopify' : '',
    policy: variant.counted ? 'deny' : 'continue',
    quantity,
    quantityBefore: quantity,
    price: decimal(variant.price),
    compareAt: decimal(variant.compareAtPrice),
    cost: decimal(variant.cost),
    variantImage: variant.imageUrl ?? '',
  };
}

function decimal(price: Money | null): string {
  return price === null ? '' : (price.amount / 100).toFixed(2);
}
