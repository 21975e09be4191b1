/** The demo shop's products as the catalogue's API would tell them, for tests of the pages. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'csv-parse/sync';

const demoFile = path.resolve(import.meta.dirname, '../../demo/products.csv');
const currency = 'USD';

interface Variant {
  id: string;
  sku: string;
  title: string;
  options: Record<string, string>;
  price: { amount: number; currency: string };
  compareAtPrice: { amount: number; currency: string } | null;
  available: number;
}

export interface FakeProduct {
  id: string;
  handle: string;
  title: string;
  descriptionHtml: string;
  vendor: string;
  type: string;
  tags: string[];
  collection: string;
  images: { url: string; alt: string }[];
  options: { name: string; values: string[] }[];
  variants: Variant[];
  version: number;
}

const money = (text: string) => ({ amount: Math.round(Number(text) * 100), currency });
export const handleOf = (title: string) =>
  title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');

type Row = Record<string, string>;

export function demoProducts(): FakeProduct[] {
  const rows: Row[] = parse(readFileSync(demoFile), { columns: true, bom: true });
  const products = new Map<string, FakeProduct>();
  for (const row of rows) {
    const handle = row['Handle'] ?? '';
    const product = products.get(handle) ?? newProduct(handle, row, products.size + 1);
    products.set(handle, product);
    addRow(product, row);
  }
  return [...products.values()];
}

function newProduct(handle: string, row: Row, id: number): FakeProduct {
  const names = [1, 2, 3].map((n) => row[`Option${n} Name`] ?? '').filter((name) => name !== '');
  return {
    id: String(id),
    handle,
    title: row['Title'] ?? handle,
    descriptionHtml: row['Body (HTML)'] ?? '',
    vendor: row['Vendor'] ?? '',
    type: row['Type'] ?? '',
    tags: (row['Tags'] ?? '').split(',').map((tag) => tag.trim()),
    collection: row['Collection'] ?? '',
    images: [],
    options: names.map((name) => ({ name, values: [] })),
    variants: [],
    version: 1,
  };
}

function addRow(product: FakeProduct, row: Row): void {
  const url = row['Image Src'] ?? '';
  if (url !== '') product.images.push({ url, alt: row['Image Alt Text'] ?? '' });
  const sku = row['Variant SKU'] ?? '';
  if (sku === '') return;
  const options: Record<string, string> = {};
  for (const [index, option] of product.options.entries()) {
    const value = row[`Option${index + 1} Value`] ?? '';
    options[option.name] = value;
    if (!option.values.includes(value)) option.values.push(value);
  }
  const before = row['Variant Compare At Price'] ?? '';
  product.variants.push({
    id: sku,
    sku,
    title: Object.values(options).join(' / '),
    options,
    price: money(row['Variant Price'] ?? '0'),
    compareAtPrice: before === '' ? null : money(before),
    available: Number(row['Variant Inventory Qty'] ?? 0),
  });
}

export function summaryOf(product: FakeProduct) {
  const { id, handle, title, vendor, type, tags, images, variants, version } = product;
  const byPrice = variants.toSorted((a, b) => a.price.amount - b.price.amount);
  return {
    id,
    handle,
    title,
    vendor,
    type,
    tags,
    image: images[0] ?? null,
    price: byPrice[0]?.price,
    priceMax: byPrice.at(-1)?.price,
    compareAtPrice: byPrice[0]?.compareAtPrice ?? null,
    inStock: variants.some(({ available }) => available > 0),
    version,
  };
}

export function collectionsOf(products: readonly FakeProduct[]) {
  const titles = [...new Set(products.map(({ collection }) => collection))];
  return titles
    .filter((title) => title !== '')
    .map((title) => {
      const handle = handleOf(title);
      const productCount = products.filter(({ collection }) => collection === title).length;
      return { id: handle, handle, title, productCount };
    });
}
