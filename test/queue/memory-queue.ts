/**
 * The queue in memory: the simulation's storage, and the smallest complete implementation of the
 * port. Every method is one atomic step, as one statement or transaction is in PostgreSQL.
 */
import assert from 'node:assert/strict';
import type { AcceptedBatch, AskedKey } from '../../src/queue/postgres-queue.ts';
import type {
  CartHold,
  CartRequest,
  CheckoutRecord,
  ClaimedCheckout,
  ClaimRequest,
  DecidedCheckout,
  FollowUp,
  FollowUpKind,
  KnownOutcome,
  NewCheckout,
  PurchaseQueue,
} from '../../src/queue/purchase-queue.ts';
import type { Acceptance } from '../../src/shop/checkout.ts';

interface Entry {
  readonly checkout: NewCheckout;
  readonly seq: number;
  token: string | null;
  leaseUntil: number;
  attempts: number;
  unanswered: number;
}

interface PendingFollowUp extends Pick<FollowUp, 'id' | 'checkoutId'> {
  readonly kind: FollowUpKind;
  leaseUntil: number;
}

export class MemoryQueue implements PurchaseQueue {
  readonly #byKey = new Map<string, Entry>();
  readonly #byId = new Map<string, Entry>();
  readonly #waiting = new Map<number, Entry>();
  readonly #decisions = new Map<string, DecidedCheckout>();
  readonly #followUps = new Map<number, PendingFollowUp>();
  /** Who has a version of a cart, by place in the queue. */
  readonly #carts = new Map<string, number>();
  readonly #placed = new Set<number>();
  #lastSeq = 0;
  #lastFollowUp = 0;

  async accept(batch: readonly NewCheckout[]): Promise<Acceptance[]> {
    return batch.map((checkout) => this.#acceptOne(checkout));
  }

  async acceptJson(json: string): Promise<AcceptedBatch> {
    const batch: NewCheckout[] = JSON.parse(json);
    const others = await this.knownKeys(batch);
    const known = new Set(others.map(({ id }) => id));
    const fresh: { id: string; seq: number }[] = [];
    for (const each of batch) {
      if (known.has(each.id)) continue;
      const answer = this.#acceptOne(each);
      // of two with one key in a batch the second finds the first
      if (answer.kind === 'accepted') fresh.push({ id: each.id, seq: answer.seq });
      else others.push(answer);
    }
    return { fresh, others };
  }

  async knownKeys(asked: readonly AskedKey[]): Promise<Acceptance[]> {
    return asked.flatMap((each) => {
      const first = this.#byKey.get(each.key);
      return first === undefined ? [] : [acceptanceOf(each, first)];
    });
  }

  async keysAfter(after: string): Promise<{ keys: string[]; last: string }> {
    const checkouts = [...this.#byId.values()].map(({ checkout }) => checkout);
    const behind = checkouts.filter(({ id }) => id > after);
    const last =
      behind
        .map(({ id }) => id)
        .sort()
        .at(-1) ?? after;
    return { keys: behind.map(({ key }) => key), last };
  }

  #acceptOne(checkout: NewCheckout): Acceptance {
    const { id } = checkout;
    const first = this.#byKey.get(checkout.key);
    if (first === undefined) {
      this.#lastSeq += 1;
      const fresh = { token: null, leaseUntil: 0, attempts: 0, unanswered: 0 };
      const entry = { checkout, seq: this.#lastSeq, ...fresh };
      this.#byKey.set(checkout.key, entry);
      this.#byId.set(id, entry);
      this.#waiting.set(entry.seq, entry);
      return { id, kind: 'accepted', seq: entry.seq };
    }
    return acceptanceOf(checkout, first);
  }

  async claim(request: ClaimRequest): Promise<ClaimedCheckout[]> {
    const { token, limit, retriesMax, leaseMs, now } = request;
    const free = [...this.#waiting.values()].filter((entry) => entry.leaseUntil <= now);
    const fresh = free.filter(({ unanswered }) => unanswered === 0).slice(0, limit);
    const front = fresh[0]?.seq ?? Number.POSITIVE_INFINITY;
    const retries = free.filter(({ unanswered, seq }) => unanswered > 0 && seq < front);
    return [...retries.slice(0, retriesMax), ...fresh].map((entry): ClaimedCheckout => {
      entry.token = token;
      entry.leaseUntil = now + leaseMs;
      entry.attempts += 1;
      const { id, request, customer, expires } = entry.checkout;
      const { seq, attempts, unanswered } = entry;
      return { seq, id, request, customer, expires, attempts, unanswered };
    });
  }

  #held(token: string, seqs: readonly number[]): Entry[] {
    return seqs.flatMap((seq) => {
      const entry = this.#waiting.get(seq);
      return entry?.token === token ? [entry] : [];
    });
  }

  async extend(token: string, seqs: readonly number[], leaseUntil: number): Promise<number[]> {
    const held = this.#held(token, seqs);
    for (const entry of held) entry.leaseUntil = leaseUntil;
    return held.map((entry) => entry.seq);
  }

  async giveBack(token: string, seqs: readonly number[], from = 0): Promise<void> {
    for (const entry of this.#held(token, seqs)) {
      entry.token = null;
      entry.leaseUntil = from;
      entry.attempts -= 1;
    }
  }

  async postpone(token: string, seqs: readonly number[], until: number): Promise<void> {
    for (const entry of this.#held(token, seqs)) {
      entry.token = null;
      entry.leaseUntil = until;
      entry.attempts = 0;
      entry.unanswered += 1;
    }
  }

  async holdCarts(wanted: readonly CartRequest[]): Promise<CartHold[]> {
    return wanted.map(({ seq, version }) => {
      const known = this.#carts.get(version) ?? seq;
      const isPlaced = this.#placed.has(known);
      const holder = isPlaced || this.#waiting.has(known) ? known : seq;
      this.#carts.set(version, holder);
      return { seq, holder, isPlaced };
    });
  }

  async decide(token: string, batch: readonly DecidedCheckout[]): Promise<number[]> {
    const decided: number[] = [];
    for (const each of batch) {
      if (this.#held(token, [each.seq]).length === 0) continue;
      assert(!this.#decisions.has(each.id), `${each.id} is decided twice`);
      this.#waiting.delete(each.seq);
      this.#decisions.set(each.id, each);
      if (each.aftermath.releaseStock) this.follow(each.id, 'release');
      if (each.aftermath.voidPayment) this.follow(each.id, 'void');
      if (each.aftermath.emptyCart) this.follow(each.id, 'empty-cart');
      if (each.decision.kind === 'placed') this.#placed.add(each.seq);
      decided.push(each.seq);
    }
    return decided;
  }

  /** What follows from a later change of an order: stock to release, money to refund. */
  follow(checkoutId: string, kind: FollowUpKind): void {
    this.#lastFollowUp += 1;
    const id = this.#lastFollowUp;
    this.#followUps.set(id, { id, checkoutId, kind, leaseUntil: 0 });
  }

  async outcomes(ids: readonly string[]): Promise<KnownOutcome[]> {
    return ids.flatMap((id) => {
      const found = this.#decisions.get(id);
      return found === undefined ? [] : [{ id, seq: found.seq, decision: found.decision }];
    });
  }

  async find(id: string): Promise<CheckoutRecord | null> {
    const entry = this.#byId.get(id);
    if (entry === undefined) return null;
    const decided = this.#decisions.get(id);
    if (decided === undefined) {
      const retryAt = entry.unanswered > 0 ? entry.leaseUntil : null;
      return { kind: 'queued', seq: entry.seq, retryAt };
    }
    return { kind: 'decided', seq: entry.seq, decision: decided.decision };
  }

  async claimFollowUps(limit: number, now: number, leaseMs: number): Promise<FollowUp[]> {
    const claimed: FollowUp[] = [];
    for (const each of this.#followUps.values()) {
      if (claimed.length >= limit) break;
      if (each.leaseUntil > now) continue;
      each.leaseUntil = now + leaseMs;
      claimed.push(this.#followUpOf(each));
    }
    return claimed;
  }

  #followUpOf({ id, checkoutId, kind }: PendingFollowUp): FollowUp {
    const method = this.#byId.get(checkoutId)?.checkout.request.payment.method ?? '';
    const decision = this.#decisions.get(checkoutId)?.decision;
    const paymentId = decision?.kind === 'placed' ? decision.paymentId : null;
    const cart = this.#byId.get(checkoutId)?.checkout.request.cart ?? null;
    return { id, checkoutId, kind, method, paymentId, cart };
  }

  async finishFollowUps(ids: readonly number[]): Promise<void> {
    for (const id of ids) this.#followUps.delete(id);
  }

  /** For checkers: all that was accepted, what is undecided, decided, and still to carry out. */
  inspect(): {
    accepted: readonly { readonly checkout: NewCheckout; readonly seq: number }[];
    /** Ids. */
    waiting: readonly string[];
    decisions: readonly DecidedCheckout[];
    followUps: readonly PendingFollowUp[];
  } {
    return {
      accepted: [...this.#byId.values()],
      waiting: [...this.#waiting.values()].map((entry) => entry.checkout.id),
      decisions: [...this.#decisions.values()],
      followUps: [...this.#followUps.values()],
    };
  }
}

/** What a key answers that `first` has already. */
function acceptanceOf({ id, hash }: AskedKey, { checkout, seq }: Entry): Acceptance {
  if (checkout.hash !== hash) return { id, kind: 'key-reused' };
  if (checkout.id === id) return { id, kind: 'accepted', seq };
  return { id, kind: 'repeated', first: checkout.id, seq };
}
