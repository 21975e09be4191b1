/**
 * The decision at the heart of the shop: which checkouts of a batch get the stock that is left.
 *
 * It is pure, so that the simulation runs the very code that sells. The caller holds the locks,
 * brings the stock as it is, and writes what comes out. First come, first served: a checkout gets
 * all of its lines or none, and one that gets none leaves the stock to those behind it.
 *
 * Never: a remainder below zero, or a checkout with some of its lines.
 */
import assert from 'node:assert/strict';
import { lineQuantityMax } from './cart.ts';
import { type CheckoutLine, mergeLines, type SoldLine } from './checkout.ts';
import { priceOf } from './pricing.ts';

export interface ReservationRequest {
  readonly checkoutId: string;
  readonly lines: readonly CheckoutLine[];
}

/** What the shop holds of one SKU at the moment of the decision. */
export interface StockItem {
  readonly sku: string;
  readonly title: string;
  /** Minor units. */
  readonly unitPrice: number;
  readonly available: number;
  /** False: always for sale, whatever `available` says. */
  readonly counted: boolean;
}

/** The stock that shoppers see: of what is not counted, the most that a line can hold. */
export function unitsForSale(item: Pick<StockItem, 'available' | 'counted'>): number {
  return item.counted ? item.available : lineQuantityMax;
}

export type Reservation =
  | {
      readonly kind: 'reserved';
      readonly lines: readonly SoldLine[];
      /** Minor units. */
      readonly total: number;
    }
  | {
      readonly kind: 'refused';
      readonly reason: 'sold-out';
      readonly sku: string;
      readonly available: number;
    }
  | { readonly kind: 'refused'; readonly reason: 'unknown-sku'; readonly sku: string }
  /** The checkout was given up before this request arrived. */
  | { readonly kind: 'refused'; readonly reason: 'released' };

export interface BatchDecision {
  /** One answer a request, in the order of the requests. */
  readonly reservations: readonly Reservation[];
  /** What is left of each counted SKU that the batch took from. */
  readonly remainders: ReadonlyMap<string, number>;
}

/**
 * Decides in the order given. `stock` is keyed by SKU and holds every SKU that exists.
 * A request whose id is repeated within the batch gets the answer of its first mention.
 */
export function decideReservations(
  requests: readonly ReservationRequest[],
  stock: ReadonlyMap<string, StockItem>,
): BatchDecision {
  const remainders = new Map<string, number>();
  const decided = new Map<string, Reservation>();
  const reservations = requests.map((request) => {
    const known = decided.get(request.checkoutId);
    if (known !== undefined) return known;
    const reservation = decide(mergeLines(request.lines), stock, remainders);
    decided.set(request.checkoutId, reservation);
    return reservation;
  });
  return { reservations, remainders };
}

function decide(
  lines: readonly CheckoutLine[],
  stock: ReadonlyMap<string, StockItem>,
  remainders: Map<string, number>,
): Reservation {
  const refusal = refuse(lines, stock, remainders);
  if (refusal !== null) return refusal;
  const sold: SoldLine[] = [];
  for (const { sku, quantity } of lines) {
    const item = stock.get(sku) as StockItem; // refuse() has found it
    if (item.counted) {
      const left = (remainders.get(sku) ?? item.available) - quantity;
      assert(left >= 0, `${sku} would be oversold: ${left} left`);
      remainders.set(sku, left);
    }
    sold.push({ sku, title: item.title, quantity, unitPrice: item.unitPrice });
  }
  assert(sold.length === lines.length, 'all lines or none');
  return { kind: 'reserved', lines: sold, total: priceOf(sold).total };
}

/** An unknown SKU goes before a sold-out one: it can never succeed, so waiting would not help. */
function refuse(
  lines: readonly CheckoutLine[],
  stock: ReadonlyMap<string, StockItem>,
  remainders: ReadonlyMap<string, number>,
): Reservation | null {
  for (const { sku } of lines) {
    if (!stock.has(sku)) return { kind: 'refused', reason: 'unknown-sku', sku };
  }
  for (const { sku, quantity } of lines) {
    const item = stock.get(sku) as StockItem;
    const available = remainders.get(sku) ?? item.available;
    if (item.counted && quantity > available)
      return { kind: 'refused', reason: 'sold-out', sku, available };
  }
  return null;
}
