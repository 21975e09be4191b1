/** Purchases, checkouts and orders in the public contract. */
import Type, { type Static } from 'typebox';
import { cartLinesMax, lineQuantityMax } from '../shop/cart.ts';
import { type Endpoint, PageQuery, pageOf } from './endpoint.ts';
import { IntegrityReport } from './integrity.ts';
import { Money } from './money.ts';
import { Country, Email, lineText, nameText } from './person.ts';

export const Sku = Type.String({ minLength: 1, maxLength: 255 });

const LineRequest = Type.Object(
  { sku: Sku, quantity: Type.Integer({ minimum: 1, maximum: lineQuantityMax }) },
  { additionalProperties: false },
);

export const ShippingAddress = Type.Object(
  {
    name: nameText('who receives it'),
    line1: nameText('street and house'),
    line2: Type.Optional(lineText('more of it')),
    city: nameText('town'),
    region: Type.Optional(lineText('state or province')),
    postalCode: Type.Optional(
      nameText('postal code; may be left out for countries that have none, such as HK', 20),
    ),
    country: Country,
  },
  { additionalProperties: false },
);

export const PurchaseRequest = Type.Object(
  {
    lines: Type.Optional(Type.Array(LineRequest, { minItems: 1, maxItems: cartLinesMax })),
    cartId: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
    email: Type.Optional(Email),
    shippingAddress: ShippingAddress,
    payment: Type.Object(
      {
        method: Type.Union([Type.Literal('test'), Type.Literal('card')], {
          description: 'the test provider, or a card through Stripe',
        }),
        token: Type.String({
          minLength: 1,
          maxLength: 255,
          description: 'a test token, or the id of a PaymentMethod of Stripe',
        }),
      },
      { additionalProperties: false },
    ),
    expectedTotal: Type.Optional(Money),
  },
  {
    additionalProperties: false,
    description:
      'either `lines` or `cartId`; `email` unless signed in; with `expectedTotal` a purchase ' +
      'that would cost more is refused as `price-changed`, with a `quote`',
    examples: [
      {
        lines: [{ sku: 'BEAR-S', quantity: 1 }],
        email: 'ada@example.com',
        shippingAddress: {
          name: 'Ada Lovelace',
          line1: '12 St James Square',
          city: 'London',
          postalCode: 'SW1Y 4JH',
          country: 'GB',
        },
        payment: { method: 'test', token: 'tok_ok' },
      },
    ],
  },
);
export type PurchaseRequest = Static<typeof PurchaseRequest>;

const OrderLine = Type.Object({
  sku: Type.String(),
  title: Type.String(),
  quantity: Type.Integer(),
  unitPrice: Money,
});

export const Quote = Type.Object(
  {
    lines: Type.Array(
      Type.Object({
        sku: Type.String(),
        title: Type.String(),
        quantity: Type.Integer(),
        unitPrice: Money,
        total: Money,
      }),
    ),
    subtotal: Money,
    total: Money,
  },
  { $id: 'Quote', description: 'what a purchase would cost now' },
);
export type Quote = Static<typeof Quote>;

export const PlacedOrder = Type.Object(
  {
    number: Type.String(),
    token: Type.String({ description: 'lets a guest read the order' }),
    checkoutId: Type.String(),
    state: Type.Literal('placed'),
    lines: Type.Array(OrderLine),
    total: Money,
    placedAt: Type.String({ format: 'date-time' }),
  },
  { $id: 'PlacedOrder' },
);
export type PlacedOrder = Static<typeof PlacedOrder>;

const QueuedCheckout = Type.Object(
  {
    id: Type.String(),
    state: Type.Literal('queued'),
    position: Type.Integer(),
    etaSeconds: Type.Number(),
  },
  { $id: 'QueuedCheckout' },
);

export const CheckoutStatus = Type.Object(
  {
    id: Type.String(),
    state: Type.Union([Type.Literal('queued'), Type.Literal('placed'), Type.Literal('rejected')]),
    position: Type.Optional(Type.Integer()),
    etaSeconds: Type.Optional(Type.Number()),
    order: Type.Optional(Type.Omit(PlacedOrder, ['token'])),
    reason: Type.Optional(Type.String()),
    sku: Type.Optional(Type.String({ description: 'that is sold out or unknown' })),
    available: Type.Optional(Type.Integer()),
    quote: Type.Optional(Quote),
  },
  { $id: 'CheckoutStatus' },
);
export type CheckoutStatus = Static<typeof CheckoutStatus>;

const OrderStateName = Type.Union([
  Type.Literal('placed'),
  Type.Literal('fulfilled'),
  Type.Literal('cancelled'),
  Type.Literal('refunded'),
]);

export const Order = Type.Object(
  {
    number: Type.String(),
    checkoutId: Type.String(),
    state: OrderStateName,
    lines: Type.Array(OrderLine),
    total: Money,
    placedAt: Type.String({ format: 'date-time' }),
    email: Type.Union([Type.String(), Type.Null()]),
    shippingAddress: Type.Union([ShippingAddress, Type.Null()]),
  },
  { $id: 'Order' },
);
export type Order = Static<typeof Order>;

const OrderActionBody = Type.Object(
  { reason: Type.Optional(Type.String({ maxLength: 500, description: 'kept in the audit log' })) },
  { additionalProperties: false },
);

const actionSummaries = {
  fulfil: 'Fulfil an order: it was sent',
  cancel: 'Cancel an order that was not sent: all money and all units go back',
  refund:
    'Refund an order: all of its money goes back. Units of an order that was not sent go back ' +
    'into stock, those of one that was sent do not. An amount or lines cannot be given yet',
} as const;

const IdempotencyHeader = Type.Object({
  'idempotency-key': Type.String({ pattern: '^[\\x21-\\x7e]{1,255}$' }),
  prefer: Type.Optional(Type.String({ description: 'wait=10 or respond-async' })),
});
const NumberParams = Type.Object({ number: Type.String({ pattern: '^[0-9]{1,15}$' }) });
const CheckoutParams = Type.Object({ id: Type.String({ format: 'uuid' }) });

/** `after` is an order's number: older ones follow. */
const OrderPageQuery = Type.Object({
  ...PageQuery,
  after: Type.Optional(Type.String({ pattern: '^[0-9]{1,15}$' })),
});

const shop = { tag: 'shop', access: 'public' } as const;

export const getOrder = {
  ...shop,
  method: 'GET',
  path: '/api/orders/{number}',
  summary: 'An order, for its owner or with the token of the purchase',
  params: NumberParams,
  query: Type.Object({ token: Type.Optional(Type.String({ maxLength: 200 })) }),
  responses: { 200: Order },
} satisfies Endpoint;

export const buy = {
  ...shop,
  method: 'POST',
  path: '/api/orders',
  summary: 'Buy',
  headers: IdempotencyHeader,
  body: PurchaseRequest,
  responses: { 201: PlacedOrder, 202: QueuedCheckout },
} satisfies Endpoint;

export const getCheckout = {
  ...shop,
  method: 'GET',
  path: '/api/checkouts/{id}',
  summary:
    'Where a checkout stands. The token of its order comes only with the answer to the purchase: ' +
    'send that again with its key',
  params: CheckoutParams,
  responses: { 200: CheckoutStatus },
} satisfies Endpoint;

export const followCheckout = {
  ...shop,
  method: 'GET',
  path: '/api/checkouts/{id}/events',
  summary: 'The same as server-sent events until it is final',
  params: CheckoutParams,
  responses: { 200: Type.String() },
  responseType: 'text/event-stream',
} satisfies Endpoint;

export const listOwnOrders = {
  method: 'GET',
  path: '/api/customers/me/orders',
  tag: 'customer',
  summary: 'Own orders, newest first',
  query: OrderPageQuery,
  responses: { 200: pageOf(Order) },
  access: 'customer',
} satisfies Endpoint;

export const readIntegrity = {
  method: 'GET',
  path: '/api/admin/integrity',
  tag: 'admin',
  summary: 'The invariants of the shop, each with its figures',
  responses: { 200: IntegrityReport },
  access: 'staff',
} satisfies Endpoint;

export const listOrdersEndpoint = {
  method: 'GET',
  path: '/api/admin/orders',
  tag: 'admin',
  summary: 'All orders, newest first',
  query: OrderPageQuery,
  responses: { 200: pageOf(Order) },
  access: 'staff',
} satisfies Endpoint;

export const orderActions = ['fulfil', 'cancel', 'refund'] as const;

export function orderActionEndpoint(action: (typeof orderActions)[number]) {
  return {
    method: 'POST',
    path: `/api/admin/orders/{number}/${action}`,
    tag: 'admin',
    summary: actionSummaries[action],
    params: NumberParams,
    body: OrderActionBody,
    bodyOptional: true,
    responses: { 200: Order },
    access: 'staff',
  } satisfies Endpoint;
}

export const orderEndpoints: readonly Endpoint[] = [
  buy,
  getCheckout,
  followCheckout,
  getOrder,
  listOwnOrders,
  listOrdersEndpoint,
  ...orderActions.map(orderActionEndpoint),
  readIntegrity,
];
