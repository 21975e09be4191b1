/**
 * The central queue and the order log behind it: the port. It has two implementations, PostgreSQL
 * and, for tests, memory (`test/queue/memory-queue.ts`), which run one contract suite.
 *
 * A checkout is *accepted* by `accept`, *claimed* for a while by a worker under a token, and
 * *decided* exactly once under that token. A checkout that is in the queue is undecided; one that
 * left it is in the order log or among the rejections, in the same transaction. What follows from
 * a decision (stock to release, payments to void) is written with it and carried out afterwards.
 *
 * Never: two decisions for one checkout; two accepted checkouts for one key; a decision by a worker
 * whose token was taken over.
 */
import type { Acceptance, CartVersion, CheckoutRequest, Decision } from '../shop/checkout.ts';

export interface NewCheckout {
  /** UUIDv7, made at the gateway. */
  readonly id: string;
  /** First 128 bits of SHA-256 over (buyer's e-mail address, Idempotency-Key), as a UUID. */
  readonly key: string;
  /** First 128 bits of SHA-256 over the canonical request, as a UUID. */
  readonly hash: string;
  readonly customer: string | null;
  readonly request: CheckoutRequest;
  /** Milliseconds since the Unix epoch. */
  readonly expires: number;
}

export interface ClaimedCheckout {
  /** Place in the queue; the order's number once placed. */
  readonly seq: number;
  readonly id: string;
  readonly request: CheckoutRequest;
  readonly customer: string | null;
  readonly expires: number;
  /** How often it was claimed and neither decided nor put back, this time included. */
  readonly attempts: number;
  /** How often its payment was asked for and not answered. */
  readonly unanswered: number;
}

export interface ClaimRequest {
  readonly token: string;
  /** Of checkouts whose payment was not asked for yet, or was answered. */
  readonly limit: number;
  /** Besides, of those whose payment was not answered before. */
  readonly retriesMax: number;
  readonly leaseMs: number;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
}

/** What must be done after a decision, until it is done. Each is idempotent by checkout id. */
export interface Aftermath {
  readonly releaseStock: boolean;
  readonly voidPayment: boolean;
  /** After an order: the cart that it bought. */
  readonly emptyCart: boolean;
}

/** A checkout that is to buy a version of a cart. */
export interface CartRequest {
  readonly seq: number;
  readonly version: string;
}

export interface CartHold {
  readonly seq: number;
  /** Who has its cart: itself, or another checkout that is undecided or placed. */
  readonly holder: number;
  readonly isPlaced: boolean;
}

export interface DecidedCheckout {
  readonly seq: number;
  readonly id: string;
  readonly customer: string | null;
  readonly decision: Decision;
  readonly aftermath: Aftermath;
}

export interface KnownOutcome {
  readonly id: string;
  readonly seq: number;
  readonly decision: Decision;
}

export const followUpKinds = ['release', 'void', 'refund', 'empty-cart'] as const;
export type FollowUpKind = (typeof followUpKinds)[number];

/** One thing to carry out after a decision. */
export interface FollowUp {
  readonly id: number;
  readonly checkoutId: string;
  /** `unknown` was written by a newer version: this one must leave it alone. */
  readonly kind: FollowUpKind | 'unknown';
  /** How the checkout was to be paid: where a void or a refund goes. */
  readonly method: string;
  /** The payment of a placed order; null where no order was placed. */
  readonly paymentId: string | null;
  /** The cart that was bought; null where it was none, or the buyer's data was erased. */
  readonly cart: CartVersion | null;
}

/** A checkout as anyone may look it up. */
export type CheckoutRecord =
  /** `retryAt`: its payment was not answered, and is asked for again then (Unix milliseconds). */
  | { readonly kind: 'queued'; readonly seq: number; readonly retryAt: number | null }
  | { readonly kind: 'decided'; readonly seq: number; readonly decision: Decision };

export interface PurchaseQueue {
  /** All of the batch or none; resolves when the quorum has it. Idempotent by key. */
  accept(batch: readonly NewCheckout[]): Promise<Acceptance[]>;
  /**
   * The oldest free checkouts, now held under the token until the lease ends. Those whose payment
   * was not answered have a limit of their own, so that they delay no other checkout, and may be
   * left out of any single claim.
   */
  claim(request: ClaimRequest): Promise<ClaimedCheckout[]>;
  /** Lengthens the lease of what the token still holds; returns the sequence numbers it holds. */
  extend(token: string, seqs: readonly number[], leaseUntil: number): Promise<number[]>;
  /** Gives checkouts back, for others to claim at once, or from a time on (Unix milliseconds). */
  giveBack(token: string, seqs: readonly number[], from?: number): Promise<void>;
  /** Their payments were not answered: not to be claimed before `until` (Unix milliseconds). */
  postpone(token: string, seqs: readonly number[], until: number): Promise<void>;
  /**
   * To be called before any of these checkouts pays: says which checkout holds its cart. A free
   * cart, and one whose holder was rejected, goes to the caller's checkout until that is rejected.
   */
  holdCarts(wanted: readonly CartRequest[]): Promise<CartHold[]>;
  /** Fenced: decides what the token still holds, and returns the sequence numbers it decided. */
  decide(token: string, batch: readonly DecidedCheckout[]): Promise<number[]>;
  /** Decisions of those among `ids` that have one. */
  outcomes(ids: readonly string[]): Promise<KnownOutcome[]>;
  find(id: string): Promise<CheckoutRecord | null>;
  /** Up to `limit` free follow-ups, held until the lease ends. */
  claimFollowUps(limit: number, now: number, leaseMs: number): Promise<FollowUp[]>;
  finishFollowUps(ids: readonly number[]): Promise<void>;
}
