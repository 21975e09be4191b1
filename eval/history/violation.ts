/** What can be wrong with a history, by name. */
export type ViolationKind =
  /** Acknowledged or accepted, and gone. */
  | 'lost'
  /** Two checkouts for a key, two decisions for a checkout, two charges for an order. */
  | 'doubled'
  /** More units taken than there ever were. */
  | 'oversold'
  /** initial + restocked + released - taken is not what is available. */
  | 'stock-equation'
  /** An order that was never charged. */
  | 'uncharged'
  /** An order whose money was given back while it stands. */
  | 'unpaid'
  /** Money kept for something that is no order. */
  | 'charged-without-order'
  /** Log, reservation, charge and answer disagree on quantity, price or sum. */
  | 'wrong-price'
  /** A later checkout with a smaller number, or a number that is not the checkout's place. */
  | 'out-of-order'
  | 'key-answered-differently'
  | 'reservation-without-order'
  | 'order-without-reservation'
  /** Still undecided, or not carried out, though the shop is at rest. */
  | 'stuck';

export interface Violation {
  readonly kind: ViolationKind;
  /** The checkout, key, order number or SKU that it is about. */
  readonly subject: string;
  /** One sentence with its figures. */
  readonly detail: string;
}

export function describeViolations(violations: readonly Violation[]): string {
  return violations.map(({ kind, subject, detail }) => `${kind} ${subject}: ${detail}`).join('\n');
}
