/**
 * The catalog's stock, in memory: the same pure decision, and the semantics of its ledger. A first
 * answer is kept for ever; a release gives back once; a release of what was never seen leaves a
 * tombstone. Each method is one transaction.
 */

import type { ReservedLine } from '../../eval/history/history.ts';
import type { ReserveOutcome, ReserveRequest } from '../../src/api/internal/catalog-routes.ts';
import type { CheckoutLine } from '../../src/shop/checkout.ts';
import type { Money } from '../../src/shop/money.ts';
import { priceOf } from '../../src/shop/pricing.ts';
import {
  decideReservations,
  type Reservation,
  type StockItem,
} from '../../src/shop/reservation-decision.ts';
import { undigestibleSku } from './poison.ts';

const currency = 'USD';

export interface LedgerEntry {
  readonly answer: Reservation;
  released: boolean;
}

export class SimulatedStock {
  protected readonly items = new Map<string, StockItem>();
  protected readonly ledger = new Map<string, LedgerEntry>();
  protected readonly movements: { sku: string; quantity: number }[] = [];
  readonly #restocks = new Set<string>();

  add(sku: string, unitPrice: number, quantity: number, counted: boolean): void {
    this.items.set(sku, { sku, title: `A ${sku}`, unitPrice, available: quantity, counted });
    this.movements.push({ sku, quantity });
  }

  /** Idempotent by its own key. */
  async restock(sku: string, quantity: number, key: string): Promise<void> {
    if (this.#restocks.has(key)) return;
    this.#restocks.add(key);
    this.movements.push({ sku, quantity });
    this.change(sku, quantity);
  }

  setPrice(sku: string, unitPrice: number): void {
    this.items.set(sku, { ...this.item(sku), unitPrice });
  }

  sells(sku: string): boolean {
    return this.items.has(sku) || sku === undigestibleSku;
  }

  /** What is left of a counted SKU where that is less than `quantity`. */
  soldOut(sku: string, quantity: number): { readonly available: number } | null {
    const item = this.items.get(sku);
    if (item === undefined || !item.counted || item.available >= quantity) return null;
    return { available: item.available };
  }

  /** What these lines would cost now; null where one of them is not sold. */
  priceOf(lines: readonly CheckoutLine[]): Money | null {
    if (!lines.every(({ sku }) => this.items.has(sku))) return null;
    const priced = lines.map(({ sku, quantity }) => {
      return { quantity, unitPrice: this.item(sku).unitPrice };
    });
    return { amount: priceOf(priced).total, currency };
  }

  async reserve(batch: readonly ReserveRequest[]): Promise<ReserveOutcome[]> {
    const unseen = batch.filter(({ checkoutId }) => !this.ledger.has(checkoutId));
    const { reservations, remainders } = decideReservations(unseen, this.items);
    for (const [index, { checkoutId }] of unseen.entries()) {
      const answer = reservations[index] as Reservation;
      this.ledger.set(checkoutId, { answer, released: false });
    }
    for (const [sku, available] of remainders) {
      this.items.set(sku, { ...this.item(sku), available });
    }
    return batch.map(({ checkoutId }) => this.outcomeOf(checkoutId));
  }

  async release(checkoutIds: readonly string[]): Promise<void> {
    for (const id of checkoutIds) {
      const entry = this.ledger.get(id);
      if (entry === undefined) this.bury(id);
      else if (!entry.released) {
        entry.released = true;
        this.giveBack(entry);
      }
    }
  }

  /** Leaves a tombstone, so that a late reserve is refused. */
  protected bury(checkoutId: string): void {
    const answer: Reservation = { kind: 'refused', reason: 'released' };
    this.ledger.set(checkoutId, { answer, released: true });
  }

  protected giveBack({ answer }: LedgerEntry): void {
    if (answer.kind !== 'reserved') return;
    for (const { sku, quantity } of answer.lines) {
      if (this.item(sku).counted) this.change(sku, quantity);
    }
  }

  protected change(sku: string, units: number): void {
    const item = this.item(sku);
    this.items.set(sku, { ...item, available: item.available + units });
  }

  protected item(sku: string): StockItem {
    const item = this.items.get(sku);
    if (item === undefined) throw new Error(`the simulated shop does not sell ${sku}`);
    return item;
  }

  protected outcomeOf(checkoutId: string): ReserveOutcome {
    const answer = this.ledger.get(checkoutId)?.answer;
    if (answer === undefined) throw new Error(`${checkoutId} has no answer`);
    if (answer.kind === 'reserved') return { checkoutId, currency, ...answer };
    return { checkoutId, sku: '', available: 0, ...answer };
  }

  /** For checkers. */
  inspect() {
    const reservations = [...this.ledger].flatMap(([checkoutId, { answer, released }]) => {
      if (answer.kind !== 'reserved') return [];
      const state: ReservedLine['state'] = released ? 'released' : 'taken';
      return answer.lines.map(({ sku, quantity, unitPrice }): ReservedLine => {
        const { counted } = this.item(sku);
        return { checkoutId, sku, quantity, unitPrice, state, counted };
      });
    });
    const stock = [...this.items.values()].map(({ sku, available }) => ({ sku, available }));
    return { stock, movements: this.movements, reservations };
  }

  /** The SKU of which more was taken than there was. It must be null at every moment. */
  oversold(): string | null {
    for (const { sku, available } of this.items.values()) if (available < 0) return sku;
    return null;
  }
}
