/** What staff does with products, files and stock, in the public contract. */
import Type, { type Static } from 'typebox';
import { stockUnitsMax } from '../shop/product.ts';
import {
  descriptionLengthMax,
  imagesMax,
  lineLengthMax,
  statuses,
  weightUnits,
} from '../shop/product-fields.ts';
import { type Endpoint, PageQuery, pageOf } from './endpoint.ts';
import { Money } from './money.ts';
import { HandleParams, nullable, Product, Variant } from './product.ts';

const printable = '^\\P{Cc}*$';
const shortText = Type.String({ maxLength: lineLengthMax, pattern: printable });
/** A field of a product: its rule is in shop/product-fields.ts, for product files too. */
const line = Type.String({ description: `one line, at most ${lineLengthMax} characters` });
const literals = <T extends string>(values: readonly T[]) =>
  Type.Union(values.map((value) => Type.Literal(value)));

/** Without the id of `Money`: a validated schema may mention an id only once. */
const Price = Type.Object(Money.properties, { additionalProperties: false });

const VariantChange = Type.Object(
  {
    sku: Type.Optional(line),
    options: Type.Optional(
      Type.Record(line, line, { maxProperties: 3, additionalProperties: false }),
    ),
    price: Type.Optional(Price),
    compareAtPrice: Type.Optional(nullable(Price)),
    cost: Type.Optional(nullable(Price)),
    available: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: stockUnitsMax,
        description: 'units in stock from now on; without it the stock stays',
      }),
    ),
    counted: Type.Optional(
      Type.Boolean({ description: 'false: always for sale; without it as before, or true' }),
    ),
    imageUrl: Type.Optional(nullable(Type.String())),
    barcode: Type.Optional(line),
    grams: Type.Optional(nullable(Type.Number())),
    weightUnit: Type.Optional(literals([...weightUnits, ''])),
  },
  { additionalProperties: false },
);
export type VariantChange = Static<typeof VariantChange>;

const productFields = {
  descriptionHtml: Type.Optional(Type.String({ maxLength: descriptionLengthMax })),
  vendor: Type.Optional(line),
  type: Type.Optional(line),
  tags: Type.Optional(Type.Array(line)),
  status: Type.Optional(literals(statuses)),
  published: Type.Optional(
    Type.Boolean({ description: 'whether it can be seen and bought; true makes a draft active' }),
  ),
  giftCard: Type.Optional(Type.Boolean({ description: 'a gift card is kept, and not sold' })),
  seoTitle: Type.Optional(line),
  seoDescription: Type.Optional(Type.String()),
  images: Type.Optional(
    Type.Array(
      Type.Object(
        {
          url: Type.String({ description: 'a web address, or a path of this shop: /media/…' }),
          alt: Type.Optional(Type.String()),
        },
        { additionalProperties: false },
      ),
      { maxItems: imagesMax },
    ),
  ),
  collections: Type.Optional(
    Type.Array(line, { description: 'titles; without it by type or tags' }),
  ),
};

export const NewProduct = Type.Object(
  {
    handle: Type.Optional(line),
    title: line,
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
    title: Type.Optional(line),
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
    variants: Type.Array(Type.Object({ ...Variant.properties, cost: nullable(Money) })),
    status: literals(statuses),
    published: Type.Boolean(),
    giftCard: Type.Boolean(),
    collections: Type.Array(Type.String()),
    createdAt: Type.String({ format: 'date-time' }),
  },
  { $id: 'OwnerProduct' },
);
export type OwnerProduct = Static<typeof OwnerProduct>;

const remarks = (description: string) =>
  Type.Array(
    Type.Object({
      row: Type.Integer({ description: 'as a spreadsheet counts: the header is row 1' }),
      column: Type.String(),
      message: Type.String(),
    }),
    { description },
  );

export const ImportReport = Type.Object(
  {
    created: Type.Integer(),
    updated: Type.Integer(),
    rows: Type.Integer({ description: 'rows of data that were read' }),
    errors: remarks('what could not be imported'),
    warnings: remarks('what was understood otherwise than it is written'),
  },
  { $id: 'ImportReport' },
);
export type ImportReport = Static<typeof ImportReport>;

export const RestockRequest = Type.Object(
  {
    sku: Type.String({ minLength: 1, maxLength: lineLengthMax, pattern: printable }),
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
    available: Type.Integer({ description: 'units in stock right after it' }),
  },
  { $id: 'Restock' },
);
export type Restock = Static<typeof Restock>;

const OwnerProductQuery = Type.Object({
  ...PageQuery,
  search: Type.Optional(Type.String({ maxLength: 255, pattern: printable })),
});

const product = '/api/admin/products/{handle}';
const staff = { tag: 'admin', access: 'staff' } as const;

export const importProductsEndpoint = {
  ...staff,
  method: 'POST',
  path: '/api/admin/products/import',
  summary: 'Import a Shopify product file',
  bodyType: 'text/csv',
  body: Type.String(),
  responses: { 200: ImportReport },
} satisfies Endpoint;

export const listOwnerProductsEndpoint = {
  ...staff,
  method: 'GET',
  path: '/api/admin/products',
  summary: 'Products, drafts too, newest first',
  query: OwnerProductQuery,
  responses: { 200: pageOf(OwnerProduct) },
} satisfies Endpoint;

export const createProduct = {
  ...staff,
  method: 'POST',
  path: '/api/admin/products',
  summary: 'Create a product',
  body: NewProduct,
  responses: { 201: OwnerProduct },
} satisfies Endpoint;

export const getOwnerProduct = {
  ...staff,
  method: 'GET',
  path: product,
  summary: 'A product as its owner sees it',
  params: HandleParams,
  responses: { 200: OwnerProduct },
} satisfies Endpoint;

export const changeProduct = {
  ...staff,
  method: 'PATCH',
  path: product,
  summary: 'Change a product',
  params: HandleParams,
  body: ProductChange,
  responses: { 200: OwnerProduct },
} satisfies Endpoint;

export const removeProduct = {
  ...staff,
  method: 'DELETE',
  path: product,
  summary: 'Take a product out of the shop',
  params: HandleParams,
  responses: { 204: null },
} satisfies Endpoint;

export const exportProducts = {
  ...staff,
  method: 'GET',
  path: '/api/admin/products/export',
  summary: 'All products as a Shopify product file',
  responses: { 200: Type.String() },
  responseType: 'text/csv',
} satisfies Endpoint;

export const restockVariant = {
  ...staff,
  method: 'POST',
  path: '/api/admin/restocks',
  summary: 'Add units to the stock',
  headers: Type.Object({
    'idempotency-key': Type.Optional(Type.String({ pattern: '^[\\x21-\\x7e]{1,255}$' })),
  }),
  body: RestockRequest,
  responses: { 200: Restock },
} satisfies Endpoint;

export const adminProductEndpoints: readonly Endpoint[] = [
  listOwnerProductsEndpoint,
  createProduct,
  getOwnerProduct,
  changeProduct,
  removeProduct,
  importProductsEndpoint,
  exportProducts,
  restockVariant,
];
