/**
 * A checkout is one attempt to buy. It is accepted once (durably queued) and then decided once:
 * placed as an order, or rejected for one named reason. Nothing between is durable.
 */
import type { Money } from './money.ts';

export interface CheckoutLine {
  readonly sku: string;
  readonly quantity: number;
}

export interface ShippingAddress {
  readonly name: string;
  readonly line1: string;
  readonly line2?: string;
  readonly city: string;
  readonly region?: string;
  readonly postalCode?: string;
  readonly country: string;
}

export interface PaymentChoice {
  readonly method: string;
  readonly token: string;
}

export interface CartVersion {
  /** The key of its row, which opens it to nobody. */
  readonly key: string;
  /** Another one after each change, a UUID; no two carts share one. */
  readonly version: string;
}

/** What the shopper asked for, after validation; stored with the checkout for ever. */
export interface CheckoutRequest {
  readonly lines: readonly CheckoutLine[];
  readonly email: string;
  readonly shippingAddress: ShippingAddress;
  readonly payment: PaymentChoice;
  /** Where the lines come from. A version of a cart is bought once. */
  readonly cart?: CartVersion;
  /** What the shopper was shown. A purchase that turns out dearer is not placed. */
  readonly expectedTotal?: Money;
}

/** `first` is the checkout that the key belongs to: the given one, or an earlier one. */
export type Acceptance =
  | { readonly id: string; readonly kind: 'accepted'; readonly seq: number }
  | { readonly id: string; readonly kind: 'repeated'; readonly first: string; readonly seq: number }
  | { readonly id: string; readonly kind: 'key-reused' };

/** A line as sold: title and price are those that the reservation returned. */
export interface SoldLine {
  readonly sku: string;
  readonly title: string;
  readonly quantity: number;
  /** Minor units. */
  readonly unitPrice: number;
}

/** Minor units: more than this is a mistake or a prank, and no card pays it. */
export const orderTotalMax = 9_999_999_999;

/** Why an accepted checkout became no order. Nothing is charged in any of these cases. */
export type Rejection =
  | { readonly reason: 'sold-out'; readonly sku: string; readonly available: number }
  | { readonly reason: 'unknown-sku'; readonly sku: string }
  | { readonly reason: 'total-too-large' }
  | {
      readonly reason: 'price-changed';
      readonly lines: readonly SoldLine[];
      readonly currency: string;
    }
  /** `order` is the number of the order that bought it. */
  | { readonly reason: 'cart-already-bought'; readonly order: number }
  | { readonly reason: 'payment-declined' }
  | { readonly reason: 'payment-timeout' }
  | { readonly reason: 'expired' }
  | { readonly reason: 'failed' };

export type Decision =
  | {
      readonly kind: 'placed';
      readonly lines: readonly SoldLine[];
      /** Minor units. */
      readonly total: number;
      readonly currency: string;
      readonly paymentId: string;
      /** Milliseconds since the Unix epoch. */
      readonly placedAt: number;
    }
  | { readonly kind: 'rejected'; readonly rejection: Rejection };

/** Adds up lines that name the same SKU, in order of first mention. */
export function mergeLines(lines: readonly CheckoutLine[]): readonly CheckoutLine[] {
  if (lines.length < 2) return lines;
  const quantities = new Map<string, number>();
  for (const { sku, quantity } of lines) {
    quantities.set(sku, (quantities.get(sku) ?? 0) + quantity);
  }
  return [...quantities].map(([sku, quantity]) => ({ sku, quantity }));
}
