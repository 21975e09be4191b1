import { randomUUID } from 'node:crypto';
import type { Answer, FakeState, Received } from './fake-state.ts';

const missing: Answer = { status: 404, body: { type: 'x/not-found', title: 'x', status: 404 } };

/** Answers carts, accounts, checkouts and orders from memory. */
export function answerShopper(shop: FakeState, received: Received): Answer {
  const [kind, ...rest] = received.url.pathname.split('/').slice(2).map(decodeURIComponent);
  if (kind === 'carts') return answerCart(shop, received, rest);
  if (kind === 'orders') {
    const order = shop.orders.get(rest[0] ?? '');
    return order === undefined ? missing : { status: 200, body: order };
  }
  if (kind === 'checkouts') {
    return shop.checkoutNow === null ? missing : { status: 200, body: shop.checkoutNow };
  }
  return answerAccount(shop, received, rest);
}

function answerCart(shop: FakeState, { method, body }: Received, path: string[]): Answer {
  const [id = randomUUID(), , sku] = path;
  if (method === 'POST') shop.carts.set(id, new Map());
  const cart = shop.carts.get(id);
  if (cart === undefined) return missing;
  if (method === 'PUT' && sku !== undefined) {
    const { quantity } = body as { quantity: number };
    if (quantity === 0) cart.delete(sku);
    else cart.set(sku, quantity);
  }
  return { status: method === 'POST' ? 201 : 200, body: cartOf(shop, id, cart) };
}

function cartOf(shop: FakeState, id: string, cart: ReadonlyMap<string, number>) {
  const lines = [...cart].flatMap(([sku, quantity]) =>
    shop.products.flatMap((product) =>
      product.variants
        .filter((variant) => variant.sku === sku)
        .map((variant) => ({
          sku,
          quantity,
          title: product.title,
          variantTitle: variant.title,
          productHandle: product.handle,
          image: product.images[0] ?? null,
          unitPrice: variant.price,
          lineTotal: { ...variant.price, amount: variant.price.amount * quantity },
          available: variant.available,
          priceChanged: false,
          stale: false,
        })),
    ),
  );
  const amount = lines.reduce((sum, line) => sum + line.lineTotal.amount, 0);
  return { id, lines, subtotal: { amount, currency: 'USD' } };
}

function answerAccount(shop: FakeState, { method, body }: Received, path: string[]): Answer {
  const signIn: Answer = { status: 401, body: { type: 'x/sign-in-needed', status: 401 } };
  if (path[1] === 'orders') {
    return { status: 200, body: { items: [...shop.orders.values()], next: null } };
  }
  if (method === 'POST') {
    const { email, name = 'Ada', password } = body as Record<'email' | 'name' | 'password', string>;
    if (password === 'wrong password') return signIn;
    shop.customer = { email, name };
  }
  if (method === 'DELETE') {
    shop.customer = null;
    return { status: 204 };
  }
  return shop.customer === null ? signIn : { status: 200, body: { id: '1', ...shop.customer } };
}
