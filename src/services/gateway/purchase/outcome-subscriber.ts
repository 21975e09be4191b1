/**
 * Receives the outcomes of checkouts on one endless stream from every orders instance, and passes
 * each to its subscribers.
 *
 * Modes of a stream: connecting, open, lost. When a stream is lost, all subscriptions are
 * registered again with another instance, which looks into the table first. So an outcome may come
 * late, but it is never missed. A purchase subscribes before its checkout is sent, because the
 * outcome may arrive before the answer of the intake.
 */
import {
  expectOutcomes,
  outcomeStream,
  type QueueFigures,
} from '../../../api/internal/orders-routes.ts';
import type { PurchaseAnswer } from '../../../api/purchase-answer.ts';
import { readOutcomeLine } from '../../../api/purchase-answer.ts';
import { systemTime, type Time } from '../../../kit/clock.ts';
import type { Directory, ServiceInstance } from '../../../kit/cluster/directory.ts';
import { followInstances } from '../../../kit/cluster/instance-streams.ts';
import type { InternalClient } from '../../../kit/http/internal-client.ts';
import { pathOf } from '../../../kit/http/route.ts';

const reconnectMs = 100;
const registerIdsMax = 1_000;

export interface OutcomeListener {
  onOutcome(answer: PurchaseAnswer): void;
}

/** Other events of the streams. */
export interface StreamEvents {
  /** Keys that were accepted through another gateway. */
  keysAccepted(keys: readonly string[]): void;
  /** The streams of all orders instances are open. */
  streamsLive(): void;
  streamLost(): void;
}

export class OutcomeSubscriber {
  readonly #directory: Directory;
  readonly #client: InternalClient;
  readonly #gateway: string;
  /** Nearly always one for each checkout; several where a buyer repeated the request. */
  readonly #listeners = new Map<string, OutcomeListener | OutcomeListener[]>();
  readonly #live = new Set<string>();
  readonly #events: StreamEvents;
  readonly #unfollow: () => void;
  figures: QueueFigures | null = null;

  constructor(
    directory: Directory,
    client: InternalClient,
    gateway: string,
    events: StreamEvents,
    time: Time = systemTime,
  ) {
    this.#events = events;
    this.#directory = directory;
    this.#client = client;
    this.#gateway = gateway;
    this.#unfollow = followInstances({
      directory,
      role: outcomeStream.role,
      retryMs: reconnectMs,
      time,
      read: (instance, signal) => this.#read(instance, signal),
      onListed: () => events.streamLost(), // its stream is not open yet
      onGone: () => void this.#registerAll(), // with the other instances
    });
  }

  get waiting(): number {
    return this.#listeners.size;
  }

  /** Calls the listener once, with the outcome of this checkout. */
  subscribe(id: string, listener: OutcomeListener): void {
    const known = this.#listeners.get(id);
    if (known === undefined) this.#listeners.set(id, listener);
    else this.#listeners.set(id, [known, listener].flat());
  }

  unsubscribe(id: string, listener: OutcomeListener): void {
    const known = this.#listeners.get(id);
    const others = Array.isArray(known) ? known.filter((each) => each !== listener) : [];
    if (others.length > 0) this.#listeners.set(id, others);
    else if (known === listener || Array.isArray(known)) this.#listeners.delete(id);
  }

  /** Asks the orders service for the outcomes of these; of decided ones it sends them at once. */
  async register(ids: readonly string[]): Promise<void> {
    for (let start = 0; start < ids.length; start += registerIdsMax) {
      const body = { gateway: this.#gateway, ids: ids.slice(start, start + registerIdsMax) };
      await this.#client.call(expectOutcomes, { body }).catch(() => {});
    }
  }

  close(): void {
    this.#unfollow();
  }

  async #read(instance: ServiceInstance, signal: AbortSignal): Promise<void> {
    try {
      const path = pathOf(outcomeStream, {}, { gateway: this.#gateway });
      const body = await this.#client.stream(instance, path, signal);
      this.#opened(instance.url);
      await this.#registerAll();
      await this.#readLines(body);
    } finally {
      if (this.#live.delete(instance.url)) this.#events.streamLost();
    }
  }

  #registerAll(): Promise<void> {
    return this.register([...this.#listeners.keys()]);
  }

  #opened(url: string): void {
    this.#live.add(url);
    const instances = this.#directory.instances('orders');
    if (instances.every((each) => this.#live.has(each.url))) this.#events.streamsLive();
  }

  async #readLines(body: AsyncIterable<Uint8Array>): Promise<void> {
    let incomplete = '';
    for await (const chunk of body) {
      // one character per byte: the bytes of an answer are sent on without decoding
      const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1');
      const lines = (incomplete + text).split('\n');
      incomplete = lines.pop() ?? '';
      for (const line of lines) this.#dispatch(line);
    }
  }

  #dispatch(line: string): void {
    const outcome = readOutcomeLine(line);
    if (outcome === null) {
      if (line.startsWith('figures ')) this.figures = JSON.parse(line.slice('figures '.length));
      if (line.startsWith('keys ')) this.#events.keysAccepted(line.split(' ').slice(1));
      return;
    }
    const listeners = this.#listeners.get(outcome.id);
    if (listeners === undefined) return;
    this.#listeners.delete(outcome.id);
    if (!Array.isArray(listeners)) listeners.onOutcome(outcome.answer);
    else for (const listener of listeners) listener.onOutcome(outcome.answer);
  }
}
