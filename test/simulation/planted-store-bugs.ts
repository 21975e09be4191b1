/** Bugs planted in the orders database, each a wrapper around it (planted-bugs.ts). */
import type { AskedKey } from '../../src/queue/postgres-queue.ts';
import type {
  CartRequest,
  DecidedCheckout,
  FollowUpKind,
  NewCheckout,
  PurchaseQueue,
} from '../../src/queue/purchase-queue.ts';
import type { OrdersStore, StoreContents } from './simulated-orders.ts';

/** Passes everything on. */
class StoreAround implements OrdersStore {
  protected readonly inner: OrdersStore;

  constructor(inner: OrdersStore) {
    this.inner = inner;
  }

  accept(batch: readonly NewCheckout[]) {
    return this.inner.accept(batch);
  }
  acceptJson(json: string, count: number) {
    return this.inner.acceptJson(json, count);
  }
  knownKeys(asked: readonly AskedKey[]) {
    return this.inner.knownKeys(asked);
  }
  keysAfter(after: string) {
    return this.inner.keysAfter(after);
  }
  claim(request: Parameters<PurchaseQueue['claim']>[0]) {
    return this.inner.claim(request);
  }
  extend(token: string, seqs: readonly number[], leaseUntil: number) {
    return this.inner.extend(token, seqs, leaseUntil);
  }
  giveBack(token: string, seqs: readonly number[], from?: number) {
    return this.inner.giveBack(token, seqs, from);
  }
  postpone(token: string, seqs: readonly number[], until: number) {
    return this.inner.postpone(token, seqs, until);
  }
  decide(token: string, batch: readonly DecidedCheckout[]) {
    return this.inner.decide(token, batch);
  }
  holdCarts(wanted: readonly CartRequest[]) {
    return this.inner.holdCarts(wanted);
  }
  outcomes(ids: readonly string[]) {
    return this.inner.outcomes(ids);
  }
  find(id: string) {
    return this.inner.find(id);
  }
  claimFollowUps(limit: number, now: number, leaseMs: number) {
    return this.inner.claimFollowUps(limit, now, leaseMs);
  }
  finishFollowUps(ids: readonly number[]) {
    return this.inner.finishFollowUps(ids);
  }
  follow(checkoutId: string, kind: FollowUpKind) {
    return this.inner.follow(checkoutId, kind);
  }
  inspect(): StoreContents | Promise<StoreContents> {
    return this.inner.inspect();
  }
}

/** Writes every decision that is sent, whoever holds the checkout, decided or not. */
export class UnfencedStore extends StoreAround {
  readonly #extra: DecidedCheckout[] = [];

  override async decide(token: string, batch: readonly DecidedCheckout[]) {
    const done = new Set(await this.inner.decide(token, batch));
    for (const each of batch) {
      if (done.has(each.seq)) continue;
      this.#extra.push(each);
      if (each.aftermath.releaseStock) this.follow(each.id, 'release');
      if (each.aftermath.voidPayment) this.follow(each.id, 'void');
    }
    return batch.map((each) => each.seq);
  }

  override async inspect() {
    const seen = await this.inner.inspect();
    const ids = new Set(this.#extra.map((each) => each.id));
    const waiting = seen.waiting.filter((id) => !ids.has(id));
    return { ...seen, waiting, decisions: [...seen.decisions, ...this.#extra] };
  }
}

/** Two checkouts may have the same key. */
export class KeylessStore extends StoreAround {
  readonly #keys = new Map<string, string>();

  override acceptJson(json: string, count: number) {
    const batch: NewCheckout[] = JSON.parse(json);
    for (const { id, key } of batch) this.#keys.set(id, key);
    return this.inner.acceptJson(
      JSON.stringify(batch.map((each) => ({ ...each, key: each.id }))),
      count,
    );
  }

  override async inspect() {
    const seen = await this.inner.inspect();
    const keyed = (checkout: NewCheckout): NewCheckout => {
      return { ...checkout, key: this.#keys.get(checkout.id) ?? checkout.key };
    };
    const accepted = seen.accepted.map(({ checkout, seq }) => ({ checkout: keyed(checkout), seq }));
    return { ...seen, accepted };
  }
}

/** Answers an intake that it has not written. */
export class ForgetfulStore extends StoreAround {
  #calls = 0;

  override async acceptJson(json: string, count: number) {
    this.#calls += 1;
    if (this.#calls % 5 > 0) return this.inner.acceptJson(json, count);
    const batch: NewCheckout[] = JSON.parse(json);
    return { fresh: batch.map(({ id }) => ({ id, seq: 1 })), others: [] };
  }
}

/** Forgets a follow-up as soon as somebody takes it up. */
export class HastyStore extends StoreAround {
  override async claimFollowUps(limit: number, now: number, leaseMs: number) {
    const due = await this.inner.claimFollowUps(limit, now, leaseMs);
    await this.inner.finishFollowUps(due.map((each) => each.id));
    return due;
  }
}
