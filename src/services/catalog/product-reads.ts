/** One product as the shop shows it, read in one statement: text, stock and version agree. */
import type { Sql } from '../../kit/database/postgres.ts';
import { type Money, money } from '../../shop/money.ts';
import {
  type Image,
  type Product,
  type ProductOption,
  shopCurrency,
  type Variant,
} from '../../shop/product.ts';
import type { Status } from '../../shop/product-fields.ts';
import { unitsForSale } from '../../shop/reservation-decision.ts';

export interface OwnerVariant extends Variant {
  readonly cost: Money | null;
}

export interface OwnerProduct extends Product {
  readonly variants: readonly OwnerVariant[];
  readonly status: Status;
  readonly published: boolean;
  readonly giftCard: boolean;
  readonly collections: readonly string[];
  readonly createdAt: string;
}

interface VariantRecord {
  readonly id: number;
  readonly sku: string;
  readonly title: string;
  readonly values: readonly string[];
  readonly price: number;
  readonly compareAt: number | null;
  readonly available: number;
  readonly counted: boolean;
  readonly imageUrl: string;
  readonly barcode: string;
  readonly grams: number | null;
  readonly weightUnit: string;
  readonly cost: number | null;
}

interface ProductRecord {
  readonly id: number;
  readonly handle: string;
  readonly title: string;
  readonly description_html: string;
  readonly vendor: string;
  readonly type: string;
  readonly tags: readonly string[];
  readonly images: readonly Image[];
  readonly options: readonly ProductOption[];
  readonly status: Status;
  readonly published: boolean;
  readonly gift_card: boolean;
  readonly seo_title: string;
  readonly seo_description: string;
  readonly version: number;
  readonly created_at: Date;
  readonly variants: readonly VariantRecord[];
  readonly collections: readonly string[];
}

const productColumns = `p.id, p.handle, p.title, p.description_html, p.vendor, p.type, p.tags,
  p.images, p.options, p.status, p.published, p.gift_card, p.seo_title, p.seo_description,
  p.created_at, s.version, coalesce((
    select json_agg(json_build_object('id', v.id, 'sku', v.sku, 'title', v.title, 'values',
      v.option_values, 'price', v.price, 'compareAt', v.compare_at, 'available', v.available,
      'counted', v.counted, 'imageUrl', v.image_url, 'barcode', v.barcode, 'grams', v.grams,
      'weightUnit', v.weight_unit, 'cost', v.cost) order by v.position, v.id)
    from variants v where v.product_id = p.id and not v.retired), '[]') as variants`;

export const collectionsColumn = `array(
    select c.title from collection_products m join collections c on c.id = m.collection_id
    where m.product_id = p.id order by c.id) as collections`;

const publicSql = `
select ${productColumns} from products p join product_states s on s.product_id = p.id
where p.handle = any($1) and p.published and p.deleted_at is null`;

const ownerSql = `
select ${productColumns}, ${collectionsColumn}
from products p join product_states s on s.product_id = p.id
where p.handle = $1 and p.deleted_at is null`;

const ownerPageSql = `
select ${productColumns}, ${collectionsColumn}
from products p join product_states s on s.product_id = p.id
where p.deleted_at is null and p.id < $1
  and ($3 = '' or p.search @@ search_query($3) or p.names like search_pattern($3))
order by p.id desc limit $2`;

const exportPageSql = `
select ${productColumns}, ${collectionsColumn}
from products p join product_states s on s.product_id = p.id
where p.deleted_at is null and p.id > $1 order by p.id limit $2`;

/** The products with these handles, in their order; null where none is on show. */
export async function findProducts(
  sql: Sql,
  handles: readonly string[],
): Promise<readonly (Product | null)[]> {
  const rows = await sql.query<ProductRecord>(publicSql, [handles]);
  const products = new Map(rows.map((row) => [row.handle, productOf(row)]));
  return handles.map((handle) => products.get(handle) ?? null);
}

/** Drafts too. Null where there is none. */
export async function findOwnerProduct(sql: Sql, handle: string): Promise<OwnerProduct | null> {
  const [row] = await sql.query<ProductRecord>(ownerSql, [handle]);
  return row === undefined ? null : ownerProductOf(row);
}

/** Newest first, older than the product `before`; `search` as a shopper searches. */
export async function listOwnerProducts(
  sql: Sql,
  before: number,
  limit: number,
  search: string,
): Promise<OwnerProduct[]> {
  const rows = await sql.query<ProductRecord>(ownerPageSql, [before, limit, search]);
  return rows.map(ownerProductOf);
}

/** In the order of creation, behind the product `after`. */
export async function pageForExport(
  sql: Sql,
  after: number,
  limit: number,
): Promise<OwnerProduct[]> {
  const rows = await sql.query<ProductRecord>(exportPageSql, [after, limit]);
  return rows.map(ownerProductOf);
}

function ownerProductOf(row: ProductRecord): OwnerProduct {
  const { status, published, collections, created_at } = row;
  const product = productOf(row);
  const costs = row.variants.map(({ cost }) => priceOf(cost));
  const variants = product.variants.map((each, index) => ({ ...each, cost: costs[index] ?? null }));
  const createdAt = created_at.toISOString();
  const giftCard = row.gift_card;
  return { ...product, variants, status, published, giftCard, collections, createdAt };
}

function productOf(row: ProductRecord): Product {
  const names = row.options.map((option) => option.name);
  return {
    id: String(row.id),
    handle: row.handle,
    title: row.title,
    descriptionHtml: row.description_html,
    seoTitle: row.seo_title,
    seoDescription: row.seo_description,
    vendor: row.vendor,
    type: row.type,
    tags: row.tags,
    images: row.images,
    options: row.options,
    variants: row.variants.map((variant) => variantOf(variant, names, row.title)),
    version: row.version,
  };
}

function variantOf(row: VariantRecord, names: readonly string[], productTitle: string): Variant {
  return {
    id: String(row.id),
    sku: row.sku,
    title: row.title === '' ? productTitle : row.title,
    options: Object.fromEntries(names.map((name, index) => [name, row.values[index] ?? ''])),
    price: money(row.price, shopCurrency),
    compareAtPrice: priceOf(row.compareAt),
    available: unitsForSale(row),
    counted: row.counted,
    imageUrl: row.imageUrl || null,
    barcode: row.barcode,
    grams: row.grams,
    weightUnit: row.weightUnit,
  };
}

function priceOf(amount: number | null): Money | null {
  return amount === null ? null : money(amount, shopCurrency);
}

const variantsSql = `
select v.sku, p.handle as product_handle, p.title, v.title as variant_title, v.price, v.available,
  v.counted, s.version, coalesce(nullif(v.image_url, ''), p.images -> 0 ->> 'url') as image_url,
  coalesce(p.images -> 0 ->> 'alt', '') as image_alt
from variants v join products p on p.id = v.product_id
join product_states s on s.product_id = p.id
where v.sku = any($1) and not v.retired and p.published`;

interface VariantFigureRow {
  readonly sku: string;
  readonly product_handle: string;
  readonly title: string;
  readonly variant_title: string;
  readonly price: number;
  readonly available: number;
  readonly counted: boolean;
  readonly version: number;
  readonly image_url: string | null;
  readonly image_alt: string;
}

/** What carts and the front ask about SKUs. Those that cannot be bought are absent. */
export async function findVariants(sql: Sql, skus: readonly string[]) {
  const rows = await sql.query<VariantFigureRow>(variantsSql, [skus]);
  return rows.map((row) => ({
    sku: row.sku,
    productHandle: row.product_handle,
    title: row.title,
    variantTitle: row.variant_title,
    image: row.image_url === null ? null : { url: row.image_url, alt: row.image_alt },
    price: money(row.price, shopCurrency),
    available: unitsForSale(row),
    version: row.version,
  }));
}
