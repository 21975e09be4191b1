import Type, { type Static } from 'typebox';
import { type Endpoint, PageQuery, pageOf } from './endpoint.ts';
import { Money } from './money.ts';
import { HandleParams, Image, Product } from './product.ts';

const textMax = 255;
const printable = '^\\P{Cc}*$';
const shortText = Type.String({ maxLength: textMax, pattern: printable });
const requiredText = Type.String({ minLength: 1, maxLength: textMax, pattern: '^\\P{Cc}+$' });

/** Without the id of `Money`: a validated schema may mention an id only once. */
const Price = Type.Object(Money.properties, { additionalProperties: false });

const VariantChange = Type.Object(
  {
    sku: Type.Optional(requiredText),
    options: Type.Optional(
      Type.Record(requiredText, requiredText, { maxProperties: 3, additionalProperties: false }),
    ),
    price: Type.Optional(Price),
    compareAtPrice: Type.Optional(Type.Union([Price, Type.Null()])),
    available: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 1_000_000_000,
        description: 'units that shall be on the shelf; without it the count stays',
      }),
    ),
    counted: Type.Optional(
      Type.Boolean({ description: 'false: always for sale; without it as before, or true' }),
    ),
  },
  { additionalProperties: false },
);
export type VariantChange = Static<typeof VariantChange>;

const productFields = {
  descriptionHtml: Type.Optional(Type.String({ maxLength: 500_000, pattern: '^[^\\u0000]*$' })),
  vendor: Type.Optional(shortText),
  type: Type.Optional(shortText),
  tags: Type.Optional(Type.Array(requiredText, { maxItems: 250 })),
  published: Type.Optional(Type.Boolean()),
  images: Type.Optional(
    Type.Array(
      Type.Object(
        {
          url: Type.String({ maxLength: 2_048, pattern: '^(https?://|/media/)[^\\s\\u0000]+$' }),
          alt: Type.Optional(Type.String({ maxLength: 510, pattern: printable })),
        },
        { additionalProperties: false },
      ),
      { maxItems: 250 },
    ),
  ),
  collections: Type.Optional(
    Type.Array(requiredText, { maxItems: 50, description: 'titles; without it by type or tags' }),
  ),
};

export const NewProduct = Type.Object(
  {
    handle: Type.Optional(requiredText),
    title: requiredText,
    ...productFields,
    variants: Type.Array(VariantChange, { minItems: 1, maxItems: 2_000 }),
  },
  {
    $id: 'NewProduct',
    additionalProperties: false,
    examples: [
      {
        title: 'Teddy Bear',
        type: 'Plush',
        tags: ['soft'],
        variants: [
          {
            sku: 'BEAR-S',
            options: { Size: 'S' },
            price: { amount: 1299, currency: 'USD' },
            available: 100,
          },
        ],
      },
    ],
  },
);
export type NewProduct = Static<typeof NewProduct>;

export const ProductChange = Type.Object(
  {
    title: Type.Optional(requiredText),
    ...productFields,
    variants: Type.Optional(
      Type.Array(VariantChange, {
        minItems: 1,
        maxItems: 2_000,
        description: 'all variants from now on; matched by SKU, then by options',
      }),
    ),
  },
  { $id: 'ProductChange', additionalProperties: false, minProperties: 1 },
);
export type ProductChange = Static<typeof ProductChange>;

export const OwnerProduct = Type.Object(
  {
    ...Product.properties,
    images: Type.Array(Image),
    published: Type.Boolean(),
    collections: Type.Array(Type.String()),
    createdAt: Type.String({ format: 'date-time' }),
  },
  { $id: 'OwnerProduct' },
);
export type OwnerProduct = Static<typeof OwnerProduct>;

export const ImportReport = Type.Object(
  {
    created: Type.Integer(),
    updated: Type.Integer(),
    rows: Type.Integer({ description: 'rows of data that were read' }),
    errors: Type.Array(
      Type.Object({
        row: Type.Integer({ description: 'as a spreadsheet counts: the header is row 1' }),
        column: Type.String(),
        message: Type.String(),
      }),
    ),
  },
  { $id: 'ImportReport' },
);
export type ImportReport = Static<typeof ImportReport>;

export const RestockRequest = Type.Object(
  {
    sku: requiredText,
    quantity: Type.Integer({ minimum: 1, maximum: 1_000_000_000 }),
    reason: Type.Optional(shortText),
  },
  { additionalProperties: false },
);
export type RestockRequest = Static<typeof RestockRequest>;

export const Restock = Type.Object(
  {
    sku: Type.String(),
    quantity: Type.Integer(),
    reason: Type.String(),
    available: Type.Integer({ description: 'on the shelf right after it' }),
  },
  { $id: 'Restock' },
);
export type Restock = Static<typeof Restock>;

export const OwnerProductQuery = Type.Object({
  ...PageQuery,
  search: Type.Optional(Type.String({ maxLength: 200, pattern: printable })),
});
export type OwnerProductQuery = Static<typeof OwnerProductQuery>;

const product = '/api/admin/products/{handle}';
const staff = { tag: 'admin', access: 'staff' } as const;

export const adminProductEndpoints: readonly Endpoint[] = [
  {
    ...staff,
    method: 'GET',
    path: '/api/admin/products',
    summary: 'Products, drafts too, newest first',
    query: OwnerProductQuery,
    responses: { 200: pageOf(OwnerProduct) },
  },
  {
    ...staff,
    method: 'POST',
    path: '/api/admin/products',
    summary: 'Create a product',
    body: NewProduct,
    responses: { 201: OwnerProduct },
  },
  {
    ...staff,
    method: 'GET',
    path: product,
    summary: 'A product as its owner sees it',
    params: HandleParams,
    responses: { 200: OwnerProduct },
  },
  {
    ...staff,
    method: 'PATCH',
    path: product,
    summary: 'Change a product',
    params: HandleParams,
    body: ProductChange,
    responses: { 200: OwnerProduct },
  },
  {
    ...staff,
    method: 'DELETE',
    path: product,
    summary: 'Take a product out of the shop',
    params: HandleParams,
    responses: { 204: null },
  },
  {
    ...staff,
    method: 'POST',
    path: '/api/admin/products/import',
    summary: 'Import a Shopify product file',
    bodyType: 'text/csv',
    body: Type.String(),
    responses: { 200: ImportReport },
  },
  {
    ...staff,
    method: 'GET',
    path: '/api/admin/products/export',
    summary: 'All products as a Shopify product file',
    responses: { 200: Type.String() },
    responseType: 'text/csv',
  },
  {
    ...staff,
    method: 'POST',
    path: '/api/admin/restocks',
    summary: 'Put units on the shelf',
    headers: Type.Object({
      'idempotency-key': Type.Optional(Type.String({ pattern: '^[\\x21-\\x7e]{1,255}$' })),
    }),
    body: RestockRequest,
    responses: { 200: Restock },
  },
];
