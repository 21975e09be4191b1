/**
 * What the catalogue says of SKUs, at most `freshMs` old.
 *
 * Every cart call needs the offers of its lines, and during a rush most carts hold the same few
 * things. So an answer is believed for a second, and the calls that need a new one share it: SKUs
 * wanted in one turn of the event loop go in one question, a SKU that is being asked for is not
 * asked for again. An offer's age counts from when it was asked for, not from when it was answered.
 *
 * Modes: *asking* (the catalogue answers) and *unasked* (it failed or missed its deadline: for
 * `pauseMs` nobody asks, so that a hanging catalogue delays one cart call in many, not each).
 * Old offers are kept for the unasked mode: they are shown as stale.
 *
 * What must never hold: a SKU called gone without the catalogue having said so.
 */
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../kit/clock.ts';
import type { Knowledge, Offer } from '../../shop/cart.ts';

const freshMs = 1_000;
/** What is older than this, and still in use, is asked for along with something else. */
const agingMs = 500;
const pauseMs = 500;
const offersMax = 20_000;
export const questionSkusMax = 100;

/** Asks the catalogue. Answers the offers that exist, in any order; throws where it cannot. */
export type AskOffers = (skus: readonly string[]) => Promise<readonly Offer[]>;

interface Answer {
  /** Null where the catalogue does not sell it. */
  readonly offer: Offer | null;
  readonly askedAt: number;
}

export class OfferLookup {
  readonly #ask: AskOffers;
  readonly #clock: Clock;
  readonly #answers = new LRUCache<string, Answer>({ max: offersMax });
  readonly #inFlight = new Map<string, Promise<void>>();
  #gathering: { readonly skus: string[]; readonly done: Promise<void> } | null = null;
  #unaskedUntil = Number.NEGATIVE_INFINITY;

  constructor(ask: AskOffers, clock: Clock) {
    this.#ask = ask;
    this.#clock = clock;
  }

  /** Knowledge of each SKU. Never rejects: an outage is one of the things to know. */
  async find(skus: readonly string[]): Promise<ReadonlyMap<string, Knowledge>> {
    const waits = new Set<Promise<void>>();
    const now = this.#clock.now();
    for (const sku of skus) {
      if (!this.#isFresh(sku, now) && now >= this.#unaskedUntil) waits.add(this.#wanted(sku));
    }
    if (waits.size > 0) await Promise.all(waits);
    return new Map(skus.map((sku) => [sku, this.#knowledge(sku, now)]));
  }

  #isFresh(sku: string, now: number): boolean {
    const answer = this.#answers.get(sku);
    return answer !== undefined && now - answer.askedAt <= freshMs;
  }

  /** As of when it was wanted: waiting for one SKU must not make the others too old. */
  #knowledge(sku: string, wantedAt: number): Knowledge {
    const answer = this.#answers.get(sku);
    if (answer !== undefined && wantedAt - answer.askedAt <= freshMs) {
      return answer.offer === null ? { kind: 'gone' } : { kind: 'current', offer: answer.offer };
    }
    return { kind: 'unasked', last: answer?.offer ?? null };
  }

  #wanted(sku: string): Promise<void> {
    const asked = this.#inFlight.get(sku);
    if (asked !== undefined) return asked;
    const question = this.#openQuestion();
    question.skus.push(sku);
    this.#inFlight.set(sku, question.done);
    return question.done;
  }

  /** The question that still gathers SKUs, to be sent at the end of this turn. */
  #openQuestion(): { readonly skus: string[]; readonly done: Promise<void> } {
    if (this.#gathering !== null && this.#gathering.skus.length < questionSkusMax) {
      return this.#gathering;
    }
    const skus: string[] = [];
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const question = { skus, done };
    this.#gathering = question;
    setImmediate(() => {
      if (this.#gathering === question) this.#gathering = null;
      this.#addCompany(question);
      this.#send(skus).finally(resolve);
    });
    return question;
  }

  /**
   * A question costs the same for one SKU as for a hundred. Without company each SKU of a crowd's
   * carts grows old at a moment of its own: a hundred of them were a hundred questions a second.
   */
  #addCompany({ skus, done }: { readonly skus: string[]; readonly done: Promise<void> }): void {
    const now = this.#clock.now();
    let looked = 0;
    for (const [sku, { askedAt }] of this.#answers.entries()) {
      looked += 1;
      if (skus.length >= questionSkusMax || looked > questionSkusMax) return;
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
      this.#unaskedUntil = this.#clock.now() + pauseMs;
    } finally {
      for (const sku of skus) this.#inFlight.delete(sku);
    }
  }
}
