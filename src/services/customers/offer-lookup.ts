/**
 * What the catalog says of SKUs, at most `freshMs` old.
 *
 * Every cart call needs the offers of its lines, and in a rush most carts hold the same few SKUs.
 * So an answer is used for a second, and calls share requests: the SKUs that are needed in one turn
 * of the event loop are asked for in one batch, and a SKU that is in flight is not asked for again.
 * The age of an offer counts from the request, not from the answer.
 *
 * Modes: *asking* (the catalog answers) and *pausing* (it failed or missed its deadline: no request
 * is sent for `pauseMs`, so that a hanging catalog delays few cart calls). Meanwhile carts show the
 * last known offers and mark them as stale.
 *
 * Never: a SKU called gone without the catalog having said so.
 */
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../kit/clock.ts';
import type { Knowledge, Offer } from '../../shop/cart.ts';

const freshMs = 1_000;
/** An offer that is older than this, and still in use, joins the next batch. */
const agingMs = 500;
const pauseMs = 500;
const offersMax = 20_000;
export const batchSkusMax = 100;

/** Asks the catalog for offers. Resolves to those that exist, in any order; rejects otherwise. */
export type AskOffers = (skus: readonly string[]) => Promise<readonly Offer[]>;

interface Answer {
  /** Null where the catalog does not sell it. */
  readonly offer: Offer | null;
  readonly askedAt: number;
}

export class OfferLookup {
  readonly #ask: AskOffers;
  readonly #clock: Clock;
  readonly #answers = new LRUCache<string, Answer>({ max: offersMax });
  readonly #inFlight = new Map<string, Promise<void>>();
  #gathering: { readonly skus: string[]; readonly done: Promise<void> } | null = null;
  #pausedUntil = Number.NEGATIVE_INFINITY;

  constructor(ask: AskOffers, clock: Clock) {
    this.#ask = ask;
    this.#clock = clock;
  }

  /** What is known of each SKU. Never rejects: an outage is one of the results. */
  async find(skus: readonly string[]): Promise<ReadonlyMap<string, Knowledge>> {
    const waits = new Set<Promise<void>>();
    const now = this.#clock.now();
    for (const sku of skus) {
      if (!this.#isFresh(sku, now) && now >= this.#pausedUntil) waits.add(this.#request(sku));
    }
    if (waits.size > 0) await Promise.all(waits);
    return new Map(skus.map((sku) => [sku, this.#knowledge(sku, now)]));
  }

  #isFresh(sku: string, now: number): boolean {
    const answer = this.#answers.get(sku);
    return answer !== undefined && now - answer.askedAt <= freshMs;
  }

  /** Judged at the time of the call: waiting for one SKU must not make the others too old. */
  #knowledge(sku: string, wantedAt: number): Knowledge {
    const answer = this.#answers.get(sku);
    if (answer !== undefined && wantedAt - answer.askedAt <= freshMs) {
      return answer.offer === null ? { kind: 'gone' } : { kind: 'current', offer: answer.offer };
    }
    return { kind: 'unasked', last: answer?.offer ?? null };
  }

  #request(sku: string): Promise<void> {
    const asked = this.#inFlight.get(sku);
    if (asked !== undefined) return asked;
    const batch = this.#openBatch();
    batch.skus.push(sku);
    this.#inFlight.set(sku, batch.done);
    return batch.done;
  }

  /** The batch that still gathers SKUs, to be sent at the end of this turn. */
  #openBatch(): { readonly skus: string[]; readonly done: Promise<void> } {
    if (this.#gathering !== null && this.#gathering.skus.length < batchSkusMax) {
      return this.#gathering;
    }
    const skus: string[] = [];
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const batch = { skus, done };
    this.#gathering = batch;
    setImmediate(() => {
      if (this.#gathering === batch) this.#gathering = null;
      this.#addAging(batch);
      this.#send(skus).finally(resolve);
    });
    return batch;
  }

  /**
   * Fills the batch with SKUs that will soon be too old. A batch of one SKU costs as much as one of
   * a hundred. Without this a hundred SKUs, each asked for at its own time, were a hundred requests
   * a second.
   */
  #addAging({ skus, done }: { readonly skus: string[]; readonly done: Promise<void> }): void {
    const now = this.#clock.now();
    let looked = 0;
    for (const [sku, { askedAt }] of this.#answers.entries()) {
      looked += 1;
      if (skus.length >= batchSkusMax || looked > batchSkusMax) return;
      const ageMs = now - askedAt;
      const isAging = ageMs > agingMs && ageMs <= freshMs + agingMs;
      if (!isAging || this.#inFlight.has(sku)) continue;
      skus.push(sku);
      this.#inFlight.set(sku, done);
    }
  }

  async #send(skus: readonly string[]): Promise<void> {
    const askedAt = this.#clock.now();
    try {
      const offers = new Map((await this.#ask(skus)).map((offer) => [offer.sku, offer]));
      for (const sku of skus) this.#answers.set(sku, { offer: offers.get(sku) ?? null, askedAt });
    } catch {
      this.#pausedUntil = this.#clock.now() + pauseMs;
    } finally {
      for (const sku of skus) this.#inFlight.delete(sku);
    }
  }
}
