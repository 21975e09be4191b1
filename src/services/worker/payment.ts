/**
 * The payment port. A charge is named by its key (the checkout's id): asked twice, a provider
 * answers twice about the same charge. A time-out is *unknown*, never a decline.
 */
export interface Charge {
  readonly key: string;
  /** Minor units. */
  readonly amount: number;
  readonly currency: string;
  readonly method: string;
  readonly token: string;
}

export type ChargeOutcome =
  | { readonly kind: 'approved'; readonly paymentId: string }
  | { readonly kind: 'declined' }
  /** No answer, or an answer that says nothing: ask again by the key. */
  | { readonly kind: 'unknown'; readonly why: string };

export interface PaymentProvider {
  /** Rejects only by a bug: every expected end is an outcome. The signal ends the waiting. */
  charge(charge: Charge, signal: AbortSignal): Promise<ChargeOutcome>;
  /** Undoes a charge, or makes sure that a late one comes to nothing. Idempotent. */
  void(key: string, method: string): Promise<void>;
  /** Gives the money of a placed order back. Idempotent. */
  refund(key: string, method: string, paymentId: string | null): Promise<void>;
  /** Lets go of files and connections, where it holds any. */
  close?(): Promise<void>;
}
