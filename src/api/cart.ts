/** Carts in the public contract. */
import Type, { type Static } from 'typebox';
import { cartLinesMax, lineQuantityMax } from '../shop/cart.ts';
import type { Endpoint } from './endpoint.ts';
import { Money } from './money.ts';
import { Image, nullable } from './product.ts';

const CartLine = Type.Object(
  {
    sku: Type.String(),
    quantity: Type.Integer({ minimum: 1, maximum: lineQuantityMax }),
    title: Type.String(),
    variantTitle: Type.String(),
    productHandle: Type.String(),
    image: nullable(Image),
    unitPrice: Money,
    lineTotal: Money,
    available: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], {
      description: 'units that could be sold now; null where that cannot be known',
    }),
    priceChanged: Type.Boolean({
      description: 'the price differs from the one shown when the line was put there',
    }),
    stale: Type.Boolean({
      description: 'the catalog cannot be asked: the last known price and title',
    }),
  },
  { $id: 'CartLine' },
);

export const Cart = Type.Object(
  {
    id: Type.String({ description: 'a secret: who knows it can change the cart' }),
    lines: Type.Array(CartLine, { maxItems: cartLinesMax }),
    subtotal: Money,
  },
  { $id: 'Cart' },
);
export type Cart = Static<typeof Cart>;

const CartParams = Type.Object({ id: Type.String({ minLength: 1, maxLength: 100 }) });

/** No control characters: PostgreSQL cannot even store one of them. */
const CartLineParams = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 100 }),
  sku: Type.String({ minLength: 1, maxLength: 255, pattern: '^\\P{Cc}*$' }),
});

const QuantityRequest = Type.Object(
  { quantity: Type.Integer({ minimum: 0, maximum: lineQuantityMax }) },
  { additionalProperties: false, examples: [{ quantity: 2 }] },
);

const shop = { tag: 'shop', access: 'public' } as const;

export const createCart = {
  ...shop,
  method: 'POST',
  path: '/api/carts',
  summary: 'A new, empty cart: a secret id for guests, else bound to the signed-in customer',
  responses: { 201: Cart },
} satisfies Endpoint;

export const getCart = {
  ...shop,
  method: 'GET',
  path: '/api/carts/{id}',
  summary: 'The cart, priced now',
  params: CartParams,
  responses: { 200: Cart },
} satisfies Endpoint;

export const getOwnCart = {
  method: 'GET',
  path: '/api/carts/mine',
  tag: 'shop',
  summary: "The signed-in customer's latest cart, priced now",
  responses: { 200: Cart },
  access: 'customer',
} satisfies Endpoint;

export const putCartLine = {
  ...shop,
  method: 'PUT',
  path: '/api/carts/{id}/lines/{sku}',
  summary: 'Set how many units of a SKU the cart holds; 0 removes the line',
  params: CartLineParams,
  body: QuantityRequest,
  responses: { 200: Cart },
} satisfies Endpoint;

export const claimCart = {
  method: 'POST',
  path: '/api/carts/{id}/claim',
  tag: 'shop',
  summary: "After signing in: the guest's cart joins the customer's, which is answered",
  params: CartParams,
  responses: { 200: Cart },
  access: 'customer',
} satisfies Endpoint;

export const cartEndpoints: readonly Endpoint[] = [
  createCart,
  getOwnCart,
  getCart,
  putCartLine,
  claimCart,
];
