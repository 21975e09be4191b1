/**
 * What the worker needs of the world. Time and randomness are here too, so that the simulation
 * runs this very code on simulated clock, network and storage.
 */
import type { ReserveOutcome, ReserveRequest } from '../../api/internal/catalog-routes.ts';
import type { Time } from '../../kit/clock.ts';
import type { DecidedCheckout, PurchaseQueue } from '../../queue/purchase-queue.ts';
import type { CartVersion } from '../../shop/checkout.ts';
import type { PaymentProvider } from './payment.ts';

export interface Stock {
  /** All lines of a checkout or none, in order; a repeated checkout gets its first answer. */
  reserve(batch: readonly ReserveRequest[]): Promise<readonly ReserveOutcome[]>;
  /** Gives back what the checkouts took, or makes sure that a late reserve takes nothing. */
  release(checkoutIds: readonly string[]): Promise<void>;
}

export interface Carts {
  /** Empties these carts, each only if nobody has changed it since that version. */
  empty(carts: readonly CartVersion[]): Promise<void>;
}

export interface WorkerPorts {
  readonly queue: PurchaseQueue;
  readonly stock: Stock;
  readonly payments: PaymentProvider;
  readonly carts: Carts;
  readonly time: Time;
  newToken(): string;
  /** True while the machine has no processor time left: work is done in larger pieces then. */
  processorsAreFull(): boolean;
  /** A hint that these are decided now. May be lost. */
  announce(decided: readonly DecidedCheckout[]): void;
  /** A failure that will come right by trying again: lost connection, no leader, 503. */
  isTransient(error: unknown): boolean;
  report(event: string, details: Readonly<Record<string, unknown>>): void;
}

/** Every limit of the worker, with its unit. Tests and the simulation choose others. */
export const workerLimits = {
  batchMin: 64,
  batchMax: 1_000,
  /**
   * On their way through the databases at once. One: the next batch grows meanwhile, and larger
   * batches cost less. Measured on 2 cores: one sells 9,500/s and answers in 21 ms (median) at half
   * of that, two 8,500/s and 42 ms, three 8,700/s and 31 ms.
   */
  batchesInFlightMax: 1,
  /** Checkouts held at once, those that wait for a slow payment included. */
  checkoutsHeldMax: 4_000,
  /**
   * What a killed worker held waits for as long. Renewed at a third of it, so it costs nothing
   * where batches take milliseconds; a worker that stands still for longer loses work, never a
   * promise.
   */
  leaseMs: 4_000,
  idlePollMs: 250,
  /** A checkout whose cart another one is buying is looked at again after this. */
  cartWaitMs: 500,
  paymentsInFlightMax: 256,
  paymentDeadlineMs: 5_000,
  /** After so many asks without an answer a checkout is rejected and its payment voided. */
  paymentAsksMax: 3,
  /** Wait between the first ask and the second; each further wait is four times as long. */
  paymentRetryMs: 2_000,
  /** So many buyers without an answer, and none with one: the provider is down. */
  unansweredBuyersMax: 20,
  /** First asks under way at once while the provider is down. */
  probesMax: 64,
  /** Decide what is paid at least this often while slower payments of the batch go on. */
  decideEveryMs: 25,
  /** As long with payments that are slow themselves. */
  decideEveryMsMax: 100,
  retryMs: 100,
  /** A checkout that was claimed more often than this is given up as failed. */
  attemptsMax: 5,
};

export type WorkerLimits = Readonly<Record<keyof typeof workerLimits, number>>;
