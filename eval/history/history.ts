/**
 * A history: what clients saw, and what the databases hold afterwards. The simulation, the drills
 * on the real cluster and the audit all bring their evidence in this form, so that one checker
 * judges them all.
 *
 * Records of a shop that goes on selling are read one database after the other, so they can
 * contradict each other for a moment; only those of a shop at rest prove something.
 */
import type { CheckoutLine, SoldLine } from '../../src/shop/checkout.ts';
import type { OrderState } from '../../src/shop/order.ts';

/**
 * What a client was answered. `placed`, `rejected` and `accepted` acknowledge a checkout and bind
 * its key; `refused` (before the queue) and `key-reused` bind nothing; `unknown` is no answer.
 */
export type ClientAnswer =
  | {
      readonly kind: 'placed';
      readonly checkoutId: string;
      readonly number: number;
      /** Minor units. */
      readonly total: number;
    }
  | { readonly kind: 'rejected'; readonly checkoutId: string; readonly reason: string }
  | { readonly kind: 'accepted'; readonly checkoutId: string }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'key-reused' }
  | { readonly kind: 'unknown' };

/** One request of a client and its answer. Times in milliseconds, all by one clock. */
export interface ClientOperation {
  /** Idempotency key, of one buyer. */
  readonly key: string;
  readonly lines: readonly CheckoutLine[];
  readonly sentAt: number;
  readonly answeredAt: number;
  readonly answer: ClientAnswer;
}

export interface AcceptedCheckout {
  readonly id: string;
  readonly key: string;
  /** Place in the queue; its order's number once placed. */
  readonly seq: number;
  readonly lines: readonly CheckoutLine[];
  /** Minor units; null where the shopper named none. */
  readonly expectedTotal: number | null;
  /** The version of the cart that is bought; null where the lines were named. */
  readonly cart: string | null;
}

export interface LoggedOrder {
  readonly number: number;
  readonly checkoutId: string;
  readonly lines: readonly SoldLine[];
  /** Minor units. */
  readonly total: number;
  readonly state: OrderState;
  /** Its units were to go back on the shelf. */
  readonly unitsReleased: boolean;
}

export interface LoggedRejection {
  readonly seq: number;
  readonly checkoutId: string;
  readonly reason: string;
}

export interface PendingFollowUp {
  readonly checkoutId: string;
  readonly kind: 'release' | 'void' | 'refund' | 'empty-cart';
}

/** One line of a checkout that was reserved; refusals and tombstones take nothing. */
export interface ReservedLine {
  readonly checkoutId: string;
  readonly sku: string;
  readonly quantity: number;
  /** Minor units. */
  readonly unitPrice: number;
  readonly state: 'taken' | 'released';
  /** False: the shop did not count this SKU then, so the line took no units. */
  readonly counted: boolean;
}

/** The provider's own books, by the key of the charge, which is the checkout's id. Minor units. */
export interface PaymentAccount {
  readonly key: string;
  readonly captured: number;
  /** Voided or refunded. */
  readonly returned: number;
}

export interface ShopRecords {
  readonly accepted: readonly AcceptedCheckout[];
  /** Ids of checkouts that wait for their decision. */
  readonly queued: readonly string[];
  readonly orders: readonly LoggedOrder[];
  readonly rejections: readonly LoggedRejection[];
  readonly followUps: readonly PendingFollowUp[];
  readonly stock: readonly { readonly sku: string; readonly available: number }[];
  /** Initial stock, restocks and corrections (negative where units went missing). */
  readonly movements: readonly { readonly sku: string; readonly quantity: number }[];
  readonly reservations: readonly ReservedLine[];
  readonly payments: readonly PaymentAccount[];
}

export interface History {
  readonly operations: readonly ClientOperation[];
  readonly records: ShopRecords;
}

/** True where the buyer is to have the goods: the stock stays taken. */
export function holdsStock({ unitsReleased }: LoggedOrder): boolean {
  return !unitsReleased;
}

/** True where the shop is to have the money. */
export function holdsMoney({ state }: LoggedOrder): boolean {
  return state === 'placed' || state === 'fulfilled';
}

/** The checkout that an answer acknowledges, or null. */
export function acknowledgedCheckout(answer: ClientAnswer): string | null {
  return 'checkoutId' in answer ? answer.checkoutId : null;
}
