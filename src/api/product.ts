/** Products and collections, as shoppers see them, in the public contract. */
import Type, { type Static } from 'typebox';
import { type Endpoint, PageQuery, pageOf } from './endpoint.ts';
import { Money } from './money.ts';

/** As long as a title may be. */
const searchLengthMax = 255;
/** Text that a database can hold: no control characters. */
const printable = '^\\P{Cc}*$';

export const Handle = Type.String({
  minLength: 1,
  maxLength: 255,
  pattern: '^\\P{Cc}+$',
  description: 'the name in the address',
});
export const HandleParams = Type.Object({ handle: Handle });

export const Image = Type.Object({
  url: Type.String({ description: 'a web address, or a path of this shop: /media/…' }),
  alt: Type.String(),
});

export const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()]);

export const Variant = Type.Object({
  id: Type.String(),
  sku: Type.String(),
  title: Type.String(),
  options: Type.Record(Type.String(), Type.String()),
  price: Money,
  compareAtPrice: nullable(Money),
  available: Type.Integer({ minimum: 0, description: 'units that a purchase can take now' }),
  counted: Type.Boolean({ description: 'false: always for sale, never sold out' }),
  imageUrl: nullable(Type.String({ description: 'null: the first picture of the product' })),
  barcode: Type.String(),
  grams: nullable(Type.Number()),
  weightUnit: Type.String({ description: 'how the weight is shown: g, kg, oz, lb or empty' }),
});

export const Product = Type.Object(
  {
    id: Type.String(),
    handle: Type.String(),
    title: Type.String(),
    descriptionHtml: Type.String({ description: 'sanitised: no scripts, no styles' }),
    seoTitle: Type.String({ description: 'for search engines; empty: the title' }),
    seoDescription: Type.String(),
    vendor: Type.String(),
    type: Type.String(),
    tags: Type.Array(Type.String()),
    images: Type.Array(Image),
    options: Type.Array(Type.Object({ name: Type.String(), values: Type.Array(Type.String()) })),
    variants: Type.Array(Variant),
    version: Type.Integer({ description: 'raised by every change, each sale included' }),
  },
  { $id: 'Product' },
);
export type Product = Static<typeof Product>;

export const ProductSummary = Type.Object(
  {
    id: Type.String(),
    handle: Type.String(),
    title: Type.String(),
    vendor: Type.String(),
    type: Type.String(),
    tags: Type.Array(Type.String()),
    image: nullable(Image),
    price: Money,
    priceMax: Money,
    compareAtPrice: nullable(Money),
    inStock: Type.Boolean(),
    version: Type.Integer({ description: 'at the last change that a list shows' }),
  },
  { $id: 'ProductSummary' },
);
export type ProductSummary = Static<typeof ProductSummary>;

export const Collection = Type.Object(
  {
    id: Type.String(),
    handle: Type.String(),
    title: Type.String(),
    productCount: Type.Integer(),
  },
  { $id: 'Collection' },
);
export type Collection = Static<typeof Collection>;

const Sort = Type.Union(
  (['match', 'title', 'price', '-price', 'newest'] as const).map((name) => Type.Literal(name)),
  { description: 'default: best match for a search, otherwise newest' },
);

export const ProductQuery = Type.Object({
  ...PageQuery,
  search: Type.Optional(
    Type.String({
      maxLength: searchLengthMax,
      pattern: printable,
      description: 'words of title, text, vendor, type or tags, the last one unfinished; or a SKU',
    }),
  ),
  collection: Type.Optional(Type.String({ maxLength: 255, pattern: printable })),
  sort: Type.Optional(Sort),
});
export type ProductQuery = Static<typeof ProductQuery>;

const shop = { tag: 'shop', access: 'public' } as const;

export const listProductsEndpoint = {
  ...shop,
  method: 'GET',
  path: '/api/products',
  summary: 'Products: all, of a collection, or found by words',
  query: ProductQuery,
  responses: { 200: pageOf(ProductSummary) },
} satisfies Endpoint;

export const getProductEndpoint = {
  ...shop,
  method: 'GET',
  path: '/api/products/{handle}',
  summary: 'A product with its variants and what is left of them',
  params: HandleParams,
  responses: { 200: Product },
} satisfies Endpoint;

export const listCollectionsEndpoint = {
  ...shop,
  method: 'GET',
  path: '/api/collections',
  summary: 'Collections that have something to show',
  responses: { 200: pageOf(Collection) },
} satisfies Endpoint;

export const getCollectionEndpoint = {
  ...shop,
  method: 'GET',
  path: '/api/collections/{handle}',
  summary: 'A collection; its products are a list of products',
  params: HandleParams,
  responses: { 200: Collection },
} satisfies Endpoint;

export const productEndpoints: readonly Endpoint[] = [
  listProductsEndpoint,
  getProductEndpoint,
  listCollectionsEndpoint,
  getCollectionEndpoint,
];
