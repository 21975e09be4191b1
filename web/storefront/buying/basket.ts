/**
 * What a checkout is about: one toy straight from its page (`/checkout?product=&sku=&quantity=`)
 * or the cart. Reads enough of it to show names and a total; the price charged is the shop's.
 */
import type { Product } from '../../../src/api/product.ts';
import { type Money, money } from '../../../src/shop/money.ts';
import { priceOf } from '../../../src/shop/pricing.ts';
import { clampQuantity } from '../choose-variant.ts';
import { askShop } from './ask-shop.ts';
import { loadCart } from './cart.ts';

export interface BasketLine {
  readonly sku: string;
  readonly title: string;
  readonly variantTitle: string;
  readonly image: { readonly url: string; readonly alt: string } | null;
  readonly quantity: number;
  readonly lineTotal: Money;
  /** Null where it cannot be known now. */
  readonly available: number | null;
}

export interface Basket {
  /** The cart that is bought, or null for a toy straight from its page. */
  readonly cartId: string | null;
  readonly lines: readonly BasketLine[];
  readonly total: Money;
}

export type BasketOutcome =
  | { readonly kind: 'basket'; readonly basket: Basket }
  | { readonly kind: 'empty' }
  | { readonly kind: 'failed' };

export async function readBasket(query: URLSearchParams): Promise<BasketOutcome> {
  const [handle, sku] = [query.get('product'), query.get('sku')];
  if (handle === null || sku === null) return cartBasket();
  const answer = await askShop(`/api/products/${encodeURIComponent(handle)}`);
  if (answer.kind === 'problem' && answer.status === 404) return { kind: 'empty' };
  if (answer.kind !== 'ok') return { kind: 'failed' };
  const { title, images, variants } = answer.body as Product;
  const variant = variants.find((each) => each.sku === sku);
  if (variant === undefined) return { kind: 'empty' };
  const quantity = clampQuantity(Number(query.get('quantity') ?? 1), variant.available);
  const { currency, amount } = variant.price;
  const total = money(priceOf([{ quantity, unitPrice: amount }]).total, currency);
  const line: BasketLine = {
    sku,
    title,
    variantTitle: variant.title,
    image: images[0] ?? null,
    quantity,
    lineTotal: total,
    available: variant.available,
  };
  return { kind: 'basket', basket: { cartId: null, lines: [line], total } };
}

async function cartBasket(): Promise<BasketOutcome> {
  const found = await loadCart();
  if (found.kind === 'failed') return { kind: 'failed' };
  if (found.kind === 'none' || found.cart.lines.length === 0) return { kind: 'empty' };
  const { id, lines, subtotal } = found.cart;
  return { kind: 'basket', basket: { cartId: id, lines, total: subtotal } };
}
