/** What shoppers want to buy, drawn from a seed: mostly one thing, sometimes rare or unpayable. */
import type { CheckoutLine } from '../../src/shop/checkout.ts';

export interface Assortment {
  /** In stock for everyone. */
  readonly ample: readonly string[];
  /** Sells out during the drill: late shoppers must be refused, and no unit sold twice. */
  readonly scarce: readonly string[];
}

export interface PlannedPurchase {
  readonly key: string;
  readonly lines: readonly CheckoutLine[];
  readonly paymentToken: string;
  /** The same purchase sent twice at once, as by a double click. */
  readonly isDoubleClick: boolean;
}

const scarceShare = 0.05;
const severalLinesShare = 0.2;
const declinedShare = 0.02;
const doubleClickShare = 0.03;

export function drawPurchase(
  { ample, scarce }: Assortment,
  key: string,
  random: () => number,
): PlannedPurchase {
  const pick = (skus: readonly string[]): string => skus[Math.floor(random() * skus.length)] ?? '';
  const skus = new Set([scarce.length > 0 && random() < scarceShare ? pick(scarce) : pick(ample)]);
  if (random() < severalLinesShare) skus.add(pick(ample)).add(pick(ample));
  const lines = [...skus].map((sku) => ({ sku, quantity: random() < 0.1 ? 2 : 1 }));
  const paymentToken = random() < declinedShare ? 'tok_declined' : 'tok_ok';
  return { key, lines, paymentToken, isDoubleClick: random() < doubleClickShare };
}
