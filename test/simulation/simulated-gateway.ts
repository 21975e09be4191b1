/**
 * A gateway process: the real intake batcher, and a short model of the pipeline around it:
 * wait for the outcome (a worker's hint, or the poll), hold the answer for a while, then say 202.
 */
import type { ClientAnswer } from '../../eval/history/history.ts';
import type { DecidedCheckout, KnownOutcome, NewCheckout } from '../../src/queue/purchase-queue.ts';
import {
  IntakeBatcher,
  type IntakeResult,
  type PendingCheckout,
} from '../../src/services/gateway/purchase/intake-batcher.ts';
import type { GatewayInstance, PurchaseOrder, ShopWorld } from './shop-world.ts';
import type { SimulatedProcess } from './simulated-process.ts';

const holdMs = 3_000;
const pollMs = 500;

type Listener = (answer: ClientAnswer) => void;

interface Buyer extends PendingCheckout {
  readonly checkout: NewCheckout;
}

export class SimulatedGateway implements GatewayInstance {
  readonly process: SimulatedProcess;
  readonly #world: ShopWorld;
  readonly #queue: ReturnType<ShopWorld['orders']['queueFor']>;
  readonly #batcher: IntakeBatcher<Buyer>;
  readonly #listeners = new Map<string, Set<Listener>>();
  #polling = false;

  constructor(world: ShopWorld, process: SimulatedProcess) {
    this.process = process;
    this.#world = world;
    const { callDeadlineMs, batcherLimits } = world.scenario;
    this.#queue = world.orders.queueFor(process, callDeadlineMs, () => false);
    const send = (batch: readonly Buyer[]) =>
      this.#queue.accept(batch.map(({ checkout }) => checkout));
    const ports = { time: process.time, held: () => this.#listeners.size, send };
    this.#batcher = new IntakeBatcher(ports, batcherLimits);
  }

  async buy({ key, hash, customer, request }: PurchaseOrder): Promise<ClientAnswer> {
    const id = this.#world.newId('checkout');
    const expires = this.process.time.now() + this.#world.scenario.expiryMs;
    const outcome = this.#listen(id);
    const checkout = { id, key, hash, customer, expires, request };
    const result = await new Promise<IntakeResult>((onIntake) => {
      this.#batcher.accept({ id, checkout, onIntake });
    });
    if (result.kind === 'key-reused') return result;
    if (result.kind === 'full') return { kind: 'refused', reason: 'full' };
    if (result.kind === 'unknown') return result;
    const checkoutId = result.kind === 'repeated' ? result.first : result.id;
    const heard = checkoutId === id ? outcome : this.#listen(checkoutId);
    this.#poll();
    const waited = this.process.time.sleep(holdMs);
    const queued: ClientAnswer = { kind: 'accepted', checkoutId };
    return Promise.race([heard, waited.then(() => queued)]);
  }

  /** `GET /api/checkouts/{id}`. */
  async lookUp(checkoutId: string): Promise<ClientAnswer> {
    const found = await this.#queue.find(checkoutId);
    if (found === null) return { kind: 'refused', reason: 'not-found' };
    if (found.kind === 'queued') return { kind: 'accepted', checkoutId };
    return answerOf({ id: checkoutId, seq: found.seq, decision: found.decision });
  }

  /** A hint, or what a poll brought. */
  receive(outcomes: readonly (DecidedCheckout | KnownOutcome)[]): void {
    for (const outcome of outcomes) {
      const listeners = this.#listeners.get(outcome.id);
      this.#listeners.delete(outcome.id);
      for (const listener of listeners ?? []) listener(answerOf(outcome));
    }
  }

  #listen(id: string): Promise<ClientAnswer> {
    return new Promise((resolve) => {
      const known = this.#listeners.get(id);
      if (known === undefined) this.#listeners.set(id, new Set([resolve]));
      else known.add(resolve);
    });
  }

  async #poll(): Promise<void> {
    if (this.#polling) return;
    this.#polling = true;
    const until = this.process.time.now() + holdMs;
    while (this.#listeners.size > 0 && this.process.time.now() < until) {
      await this.process.time.sleep(pollMs);
      const ids = [...this.#listeners.keys()];
      this.receive(await this.#queue.outcomes(ids).catch(() => []));
    }
    this.#polling = false;
  }
}

function answerOf({ id, seq, decision }: KnownOutcome): ClientAnswer {
  if (decision.kind === 'placed') {
    return { kind: 'placed', checkoutId: id, number: seq, total: decision.total };
  }
  return { kind: 'rejected', checkoutId: id, reason: decision.rejection.reason };
}
