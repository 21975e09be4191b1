/**
 * What a purchase costs: the one place that adds up. Cart, reservation, order, audit, history
 * checker and pages all ask here, so that taxes, shipping and discounts come in one place.
 *
 * Amounts are whole minor units of one currency. What is added to the lines or taken off them as a
 * whole is an adjustment; there are none yet.
 */
import type { Money } from './money.ts';

export interface PriceableLine {
  readonly quantity: number;
  readonly unitPrice: number;
}

export interface Adjustment {
  readonly title: string;
  /** Negative where it makes the purchase cheaper. */
  readonly amount: number;
}

export interface Price<Line> {
  /** The lines as they came, each with its `lineTotal`. */
  readonly lines: readonly (Line & { readonly lineTotal: number })[];
  /** Of the lines alone. */
  readonly subtotal: number;
  readonly adjustments: readonly Adjustment[];
  /** What is charged: never below zero. */
  readonly total: number;
}

/** Throws RangeError where an amount is no whole number, or too large to be exact. */
export function priceOf<Line extends PriceableLine>(
  lines: readonly Line[],
  adjustments: readonly Adjustment[] = [],
): Price<Line> {
  const priced = lines.map((line) => ({
    ...line,
    lineTotal: exact(line.unitPrice * line.quantity),
  }));
  const subtotal = priced.reduce((sum, line) => exact(sum + line.lineTotal), 0);
  const total = adjustments.reduce((sum, { amount }) => exact(sum + amount), subtotal);
  return { lines: priced, subtotal, adjustments, total: Math.max(0, total) };
}

/** True where a total is more than the shopper agreed to, or in another currency. */
export function isDearer(total: Money, expected: Money): boolean {
  return total.currency !== expected.currency || total.amount > expected.amount;
}

function exact(amount: number): number {
  if (!Number.isSafeInteger(amount)) throw new RangeError(`not an exact amount: ${amount}`);
  return amount;
}
