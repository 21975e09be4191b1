/**
 * For tests: fakes of all that a worker needs. Time moves only when the test moves it, the queue is
 * in memory, stock and payments answer as the test says and record what they were asked.
 */

import { randomUUID } from 'node:crypto';
import type { ReserveOutcome, ReserveRequest } from '../../src/api/internal/catalog-routes.ts';
import type { Time } from '../../src/kit/clock.ts';
import type { DecidedCheckout, NewCheckout } from '../../src/queue/purchase-queue.ts';
import type { Charge, ChargeOutcome, PaymentProvider } from '../../src/services/worker/payment.ts';
import {
  type Stock,
  type WorkerLimits,
  type WorkerPorts,
  workerLimits,
} from '../../src/services/worker/ports.ts';
import type { CartVersion } from '../../src/shop/checkout.ts';
import { priceOf } from '../../src/shop/pricing.ts';
import { MemoryQueue } from '../queue/memory-queue.ts';
import { newCheckout, start } from '../queue/sample-checkout.ts';

interface Alarm {
  readonly at: number;
  readonly run: () => void;
}

export class ManualTime implements Time {
  #now = start;
  readonly #alarms = new Set<Alarm>();

  now(): number {
    return this.#now;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.schedule(ms, resolve));
  }

  schedule(ms: number, run: () => void): () => void {
    const alarm = { at: this.#now + ms, run };
    this.#alarms.add(alarm);
    return () => this.#alarms.delete(alarm);
  }

  /** Lets `ms` pass, everything that is due in its order, and all that follows from it. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settled();
      const next = [...this.#alarms].toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      this.#alarms.delete(next);
      this.#now = next.at;
      next.run();
    }
    this.#now = end;
    await settled();
  }
}

/** Everything that needs no time has happened. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export class FakeStock implements Stock {
  readonly available = new Map<string, number>([['BEAR-S', 1_000]]);
  readonly released: string[] = [];
  readonly asked: (readonly string[])[] = [];
  readonly #answers = new Map<string, ReserveOutcome>();
  /** Thrown for a batch, as long as it says so. */
  fails: (batch: readonly ReserveRequest[]) => Error | null = () => null;

  async reserve(batch: readonly ReserveRequest[]): Promise<ReserveOutcome[]> {
    this.asked.push(batch.map(({ checkoutId }) => checkoutId));
    const failure = this.fails(batch);
    if (failure !== null) throw failure;
    return batch.map((request) => {
      const known = this.#answers.get(request.checkoutId) ?? this.#decide(request);
      this.#answers.set(request.checkoutId, known);
      return known;
    });
  }

  #decide({ checkoutId, lines }: ReserveRequest): ReserveOutcome {
    for (const { sku, quantity } of lines) {
      const available = this.available.get(sku);
      const refused = { checkoutId, kind: 'refused', sku, available: available ?? 0 } as const;
      if (available === undefined) return { ...refused, reason: 'unknown-sku' };
      if (available < quantity) return { ...refused, reason: 'sold-out' };
    }
    for (const { sku, quantity } of lines) {
      this.available.set(sku, (this.available.get(sku) ?? 0) - quantity);
    }
    const sold = lines.map((line) => ({ ...line, title: 'Teddy Bear', unitPrice: 1_299 }));
    const { total } = priceOf(sold);
    return { checkoutId, kind: 'reserved', lines: sold, total, currency: 'USD' };
  }

  async release(checkoutIds: readonly string[]): Promise<void> {
    this.released.push(...checkoutIds);
  }
}

export type Answer = (charge: Charge, signal: AbortSignal) => Promise<ChargeOutcome>;

export const approves: Answer = async ({ key }) => ({ kind: 'approved', paymentId: `pay-${key}` });
export const declines: Answer = async () => ({ kind: 'declined' });
export const says = (why: string): Answer => {
  return async () => ({ kind: 'unknown', why });
};
export const neverAnswers: Answer = () => new Promise(() => {});

export class FakePayments implements PaymentProvider {
  readonly charges: Charge[] = [];
  readonly voided: string[] = [];
  readonly refunded: string[] = [];
  readonly signals: AbortSignal[] = [];
  /** By token; whoever has none is approved. */
  readonly answers = new Map<string, Answer>();
  failsToVoid: (key: string) => boolean = () => false;

  charge(charge: Charge, signal: AbortSignal): Promise<ChargeOutcome> {
    this.charges.push(charge);
    this.signals.push(signal);
    return (this.answers.get(charge.token) ?? approves)(charge, signal);
  }

  async void(key: string): Promise<void> {
    if (this.failsToVoid(key)) throw new Error(`cannot void ${key}`);
    this.voided.push(key);
  }

  async refund(key: string): Promise<void> {
    this.refunded.push(key);
  }
}

/** A failure that comes right by trying again. */
export class Hiccup extends Error {}

export class WorkerWorld {
  readonly time = new ManualTime();
  readonly queue: MemoryQueue;
  readonly stock = new FakeStock();
  readonly payments = new FakePayments();
  readonly announced: DecidedCheckout[] = [];
  readonly emptied: CartVersion[] = [];
  readonly reports: string[] = [];
  processorsAreFull = false;
  readonly limits: WorkerLimits;

  constructor(limits: Partial<WorkerLimits> = {}, queue = new MemoryQueue()) {
    this.limits = { ...workerLimits, ...limits };
    this.queue = queue;
  }

  get ports(): WorkerPorts {
    return {
      queue: this.queue,
      stock: this.stock,
      payments: this.payments,
      carts: { empty: async (carts) => void this.emptied.push(...carts) },
      time: this.time,
      newToken: () => randomUUID(),
      processorsAreFull: () => this.processorsAreFull,
      announce: (decided) => this.announced.push(...decided),
      isTransient: (error) => error instanceof Hiccup,
      report: (event) => this.reports.push(event),
    };
  }

  /** Accepts one checkout a token, each of a buyer of its own, paying with its token. */
  async accept(...tokens: readonly string[]): Promise<NewCheckout[]> {
    const batch = tokens.map((token) => {
      const checkout = newCheckout({ expires: this.time.now() + 600_000 });
      const payment = { method: 'test', token };
      const email = `${checkout.key}@example.com`;
      return { ...checkout, request: { ...checkout.request, email, payment } };
    });
    await this.queue.accept(batch);
    return batch;
  }

  /** What became of a checkout, in a word. */
  async fate({ id }: { readonly id: string } = { id: '' }): Promise<string> {
    const record = await this.queue.find(id);
    if (record?.kind !== 'decided') return record?.kind ?? 'unknown';
    const { decision } = record;
    return decision.kind === 'placed' ? 'placed' : decision.rejection.reason;
  }

  /** What is still to be carried out, e.g. `release 01…`. */
  pending(): string[] {
    return this.queue.inspect().followUps.map(({ kind, checkoutId }) => `${kind} ${checkoutId}`);
  }
}
