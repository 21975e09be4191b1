/**
 * A cart: what a shopper wants, and what was last shown to them for it.
 *
 * A line keeps a snapshot of the offer that the shopper saw when they put it there. The cart is
 * always priced by today's offers; the snapshot serves to say "the price has changed", and to show
 * something sensible while the catalog cannot be asked. It never decides what is paid: that is
 * the reservation's price.
 */
import { type Money, money } from './money.ts';
import { priceOf } from './pricing.ts';
import { type Image, shopCurrency } from './product.ts';

/** A cart holds no more than one purchase may. */
export const cartLinesMax = 100;
export const lineQuantityMax = 1_000;

/** What the catalog says of a SKU. */
export interface Offer {
  readonly sku: string;
  readonly productHandle: string;
  readonly title: string;
  readonly variantTitle: string;
  readonly image: Image | null;
  readonly price: Money;
  readonly available: number;
}

/** An offer as a line keeps it: stock is out of date at once, so it is not kept. */
export type Snapshot = Omit<Offer, 'sku' | 'available'>;

export interface CartLine {
  readonly sku: string;
  readonly quantity: number;
  /** Milliseconds since the epoch: lines are shown in the order in which they came. */
  readonly addedAt: number;
  readonly seen: Snapshot;
}

/**
 * What is known of a SKU now: `current` an offer at most a second old; `gone` the catalog does
 * not sell it; `unasked` the catalog cannot be asked, `last` is the last offer this process saw.
 */
export type Knowledge =
  | { readonly kind: 'current'; readonly offer: Offer }
  | { readonly kind: 'gone' }
  | { readonly kind: 'unasked'; readonly last: Offer | null };

interface PricedLine {
  readonly sku: string;
  readonly quantity: number;
  readonly title: string;
  readonly variantTitle: string;
  readonly productHandle: string;
  readonly image: Image | null;
  readonly unitPrice: Money;
  readonly lineTotal: Money;
  /** Units that could be sold now; null where that is not known. */
  readonly available: number | null;
  /** The price differs from the one that the shopper saw when they put the line there. */
  readonly priceChanged: boolean;
  /** The catalog could not be asked: price, title and stock are the last known ones. */
  readonly stale: boolean;
}

export interface PricedCart {
  readonly lines: readonly PricedLine[];
  readonly subtotal: Money;
}

export function snapshotOf(offer: Offer): Snapshot {
  const { productHandle, title, variantTitle, image, price } = offer;
  return { productHandle, title, variantTitle, image, price };
}

function isSamePrice(a: Money, b: Money): boolean {
  return a.amount === b.amount && a.currency === b.currency;
}

function offerOf(knowledge: Knowledge): Offer | null {
  if (knowledge.kind === 'current') return knowledge.offer;
  return knowledge.kind === 'unasked' ? knowledge.last : null;
}

/** The cart priced by what is known now. A SKU without knowledge counts as `unasked`. */
export function priceCart(
  lines: readonly CartLine[],
  knowledge: ReadonlyMap<string, Knowledge>,
): PricedCart {
  const shown = lines.toSorted(byArrival).map((line) => {
    const known = knowledge.get(line.sku) ?? { kind: 'unasked', last: null };
    const price = (offerOf(known) ?? line.seen).price;
    return { line, known, quantity: line.quantity, unitPrice: price.amount };
  });
  const price = priceOf(shown);
  return {
    lines: price.lines.map(({ line, known, lineTotal }) => viewLine(line, known, lineTotal)),
    subtotal: money(price.subtotal, shopCurrency),
  };
}

function viewLine(
  { sku, quantity, seen }: CartLine,
  knowledge: Knowledge,
  lineTotal: number,
): PricedLine {
  const offer = offerOf(knowledge);
  const { title, variantTitle, productHandle, image, price } = offer ?? seen;
  return {
    sku,
    quantity,
    title,
    variantTitle,
    productHandle,
    image,
    unitPrice: price,
    lineTotal: money(lineTotal, price.currency),
    available: knowledge.kind === 'gone' ? 0 : (offer?.available ?? null),
    priceChanged: !isSamePrice(price, seen.price),
    stale: knowledge.kind === 'unasked',
  };
}

function byArrival(a: CartLine, b: CartLine): number {
  return a.addedAt - b.addedAt || (a.sku < b.sku ? -1 : 1);
}

/**
 * What a customer's cart becomes when a guest's cart joins it, e.g. after signing in. Quantities of
 * the same SKU add up to at most `lineQuantityMax`; the guest's snapshot wins, being the later
 * look. Beyond `cartLinesMax` the guest's latest lines are left out: what the customer already had
 * is never dropped.
 */
export function mergeCarts(own: readonly CartLine[], guest: readonly CartLine[]): CartLine[] {
  const merged = new Map(own.map((line) => [line.sku, line]));
  for (const line of guest.toSorted(byArrival)) {
    const known = merged.get(line.sku);
    if (known !== undefined) {
      const quantity = Math.min(lineQuantityMax, known.quantity + line.quantity);
      merged.set(line.sku, { ...line, quantity, addedAt: known.addedAt });
    } else if (merged.size < cartLinesMax) {
      merged.set(line.sku, line);
    }
  }
  return [...merged.values()];
}
