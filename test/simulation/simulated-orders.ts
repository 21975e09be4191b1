/**
 * The orders database: the queue, and the life of an order after it was placed. Every
 * method is one transaction. It watches itself: no checkout may ever be decided twice.
 */
import type {
  AcceptedCheckout,
  LoggedOrder,
  LoggedRejection,
  PendingFollowUp,
} from '../../eval/history/history.ts';
import type { PostgresQueue } from '../../src/queue/postgres-queue.ts';
import type {
  ClaimRequest,
  DecidedCheckout,
  FollowUpKind,
  KnownOutcome,
  NewCheckout,
  PurchaseQueue,
} from '../../src/queue/purchase-queue.ts';
import { changeOrder, type OrderAction, type OrderChange } from '../../src/shop/order.ts';
import { deadToken, isPoisoned, stubborn, unloggable } from './poison.ts';
import type { Scheduler } from './scheduler.ts';
import {
  newServer,
  type SimulatedNetwork,
  type SimulatedServer,
  Unreachable,
} from './simulated-network.ts';
import type { SimulatedProcess } from './simulated-process.ts';

/** The queue with what a checker wants to know, and what an admin's change writes to it. */
export interface OrdersStore extends OrdersQueue {
  inspect(): StoreContents | Promise<StoreContents>;
  follow(checkoutId: string, kind: FollowUpKind): void | Promise<void>;
  /** For one process, where the queue keeps something of its own in each. */
  forProcess?(): OrdersQueue;
}

/** What workers and the orders service ask of it. */
export type OrdersQueue = PurchaseQueue &
  Pick<PostgresQueue, 'acceptJson' | 'knownKeys' | 'keysAfter'>;

export interface StoreContents {
  readonly accepted: readonly { readonly checkout: NewCheckout; readonly seq: number }[];
  /** Ids. */
  readonly waiting: readonly string[];
  readonly decisions: readonly KnownOutcome[];
  readonly followUps: readonly PendingFollowUp[];
}

/** How long the log refuses every decision on a stubborn customer's checkout. */
const stubbornMs = 180_000;

export class SimulatedOrders {
  readonly server: SimulatedServer = newServer('the orders database');
  /** Every write fails, and not because of the network: the disk is full, say. */
  refusesWrites = false;
  readonly #store: OrdersStore;
  readonly #scheduler: Scheduler;
  readonly #network: SimulatedNetwork;
  readonly #refusedSince = new Map<string, number>();
  readonly #changes = new Map<string, OrderChange>();
  readonly #decided = new Set<number>();
  readonly #placed: string[] = [];
  readonly #acceptedAt = new Map<string, number>();
  /** Milliseconds from a checkout's acceptance to its decision. */
  readonly waits = new Map<string, number>();
  /** When each checkout was decided. */
  readonly decidedAt = new Map<string, number>();
  /** Checkouts that were decided twice: there must be none, at any moment. */
  readonly decidedTwice: string[] = [];
  claims = 0;
  /** The most often that one checkout was claimed. */
  attemptsMax = 0;

  constructor(store: OrdersStore, scheduler: Scheduler, network: SimulatedNetwork) {
    this.#store = store;
    this.#scheduler = scheduler;
    this.#network = network;
  }

  /** The queue as a process reaches it: over the network. `losesClaim` is drawn for each claim. */
  queueFor(caller: SimulatedProcess, deadlineMs: number, losesClaim: () => boolean): OrdersQueue {
    const store = this.#store.forProcess?.() ?? this.#store;
    const read = <T>(effect: () => Promise<T>): Promise<T> =>
      this.#network.call(caller, this.server, deadlineMs, effect);
    const write = <T>(effect: () => Promise<T>): Promise<T> =>
      read(async () => {
        if (this.refusesWrites) throw new Error('the disk is full');
        return effect();
      });
    return {
      accept: (batch) => write(() => store.accept(batch)),
      acceptJson: (json, count) => write(() => this.#accept(store, json, count)),
      knownKeys: (asked) => read(() => store.knownKeys(asked)),
      keysAfter: (after) => read(() => store.keysAfter(after)),
      claim: (request) =>
        write(() => this.#claim(store, request, losesClaim())).catch((error) =>
          endOf(caller, error),
        ),
      extend: (token, seqs, leaseUntil) => write(() => store.extend(token, seqs, leaseUntil)),
      giveBack: (token, seqs, from) => write(() => store.giveBack(token, seqs, from)),
      postpone: (token, seqs, until) => write(() => store.postpone(token, seqs, until)),
      holdCarts: (wanted) => write(() => store.holdCarts(wanted)),
      decide: (token, batch) => write(() => this.#decide(store, token, batch)),
      outcomes: (ids) => read(() => store.outcomes(ids)),
      find: (id) => read(() => store.find(id)),
      claimFollowUps: (limit, now, leaseMs) =>
        write(() => store.claimFollowUps(limit, now, leaseMs)),
      finishFollowUps: (ids) => write(() => store.finishFollowUps(ids)),
    };
  }

  async #accept(store: OrdersQueue, json: string, count: number) {
    const accepted = await store.acceptJson(json, count);
    for (const { id } of accepted.fresh) this.#acceptedAt.set(id, this.#scheduler.now);
    return accepted;
  }

  /**
   * A claim's commit does not wait for the quorum, so a failover can undo it though the worker was
   * told of it.
   */
  async #claim(store: OrdersQueue, request: ClaimRequest, isLost: boolean) {
    const claimed = await store.claim(request);
    const seqs = claimed.map((each) => each.seq);
    if (isLost) await store.giveBack(request.token, seqs);
    this.claims += 1;
    for (const each of claimed) this.attemptsMax = Math.max(this.attemptsMax, each.attempts);
    return claimed;
  }

  async #decide(
    store: OrdersQueue,
    token: string,
    batch: readonly DecidedCheckout[],
  ): Promise<number[]> {
    const refused = batch.find((each) => this.#refuses(each));
    if (refused !== undefined) throw new Error(`the log refuses ${refused.id}`);
    const done = await store.decide(token, batch);
    for (const { id, seq, decision } of batch) {
      if (!done.includes(seq)) continue;
      if (decision.kind === 'placed') this.#placed.push(id);
      this.decidedAt.set(id, this.#scheduler.now);
      this.waits.set(id, this.#scheduler.now - (this.#acceptedAt.get(id) ?? 0));
    }
    for (const seq of done) {
      if (this.#decided.has(seq)) this.decidedTwice.push(String(seq));
      this.#decided.add(seq);
    }
    return done;
  }

  /** Values that the database cannot store: an order of one customer, anything of another. */
  #refuses({ id, customer, decision }: DecidedCheckout): boolean {
    if (customer === unloggable) return decision.kind === 'placed';
    if (customer !== stubborn) return false;
    const now = this.#scheduler.now;
    const since = this.#refusedSince.get(id) ?? now;
    this.#refusedSince.set(id, since);
    return now < since + stubbornMs;
  }

  /** An admin's change of an order: its new state and what follows from it, in one transaction. */
  async change(checkoutId: string, action: OrderAction): Promise<void> {
    const change = changeOrder(this.#changes.get(checkoutId)?.to ?? 'placed', action);
    if (change === null) return;
    const unitsReleased = this.#changes.get(checkoutId)?.releasesStock === true;
    const releasesStock = unitsReleased || change.releasesStock;
    this.#changes.set(checkoutId, { ...change, releasesStock });
    if (change.releasesStock) await this.#store.follow(checkoutId, 'release');
    if (change.refunds) await this.#store.follow(checkoutId, 'refund');
  }

  /** Ids of checkouts that became orders. */
  get placed(): readonly string[] {
    return this.#placed;
  }

  async isAtRest(): Promise<boolean> {
    const { waiting, followUps } = await this.#store.inspect();
    return waiting.length === 0 && followUps.length === 0;
  }

  /** For checkers. */
  async inspect() {
    const { accepted, waiting, decisions, followUps } = await this.#store.inspect();
    const orders: LoggedOrder[] = [];
    const rejections: LoggedRejection[] = [];
    for (const { id: checkoutId, seq, decision } of decisions) {
      if (decision.kind === 'rejected') {
        rejections.push({ seq, checkoutId, reason: decision.rejection.reason });
      } else {
        const { lines, total } = decision;
        const change = this.#changes.get(checkoutId);
        const { to: state = 'placed', releasesStock: unitsReleased = false } = change ?? {};
        orders.push({ number: seq, checkoutId, lines, total, state, unitsReleased });
      }
    }
    return {
      dead: new Set(
        accepted
          .filter(({ checkout }) => checkout.request.payment.token === deadToken)
          .map(({ checkout }) => checkout.id),
      ),
      poisoned: new Set(
        accepted.filter(({ checkout }) => isPoisoned(checkout)).map(({ checkout }) => checkout.id),
      ),
      accepted: accepted.map(({ checkout: { id, key, request }, seq }): AcceptedCheckout => {
        const expectedTotal = request.expectedTotal?.amount ?? null;
        const cart = request.cart?.version ?? null;
        return { id, key, seq, lines: request.lines, expectedTotal, cart };
      }),
      queued: waiting,
      orders,
      rejections,
      followUps,
    };
  }
}

/** A claim that fails for good crashes its process, as an unhandled rejection does. */
function endOf(caller: SimulatedProcess, error: unknown): Promise<never> {
  if (error instanceof Unreachable) throw error;
  caller.kill();
  return new Promise<never>(() => {});
}
