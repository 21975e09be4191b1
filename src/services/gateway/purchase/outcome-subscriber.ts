/**
 * Receives outcomes: one endless stream from every orders instance, and the subscriptions that they
 * answer.
 *
 * Modes of a stream: connecting, open, lost. When a stream is lost, all subscriptions are
 * registered anew with a living instance, which looks at the table first; so an outcome can be
 * late, never missed. A subscription is made before its checkout is sent, because the outcome may
 * overtake the answer of the intake.
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

/** Waits for the outcome of a checkout. */
export interface OutcomeListener {
  onOutcome(answer: PurchaseAnswer): void;
}

/** What else the streams bring. */
export interface StreamEvents {
  /** Keys that were accepted through another gateway. */
  keysAccepted(keys: readonly string[]): void;
  /** A stream to every orders instance is open. */
  streamsLive(): void;
  streamLost(): void;
}

export class OutcomeSubscriber {
  readonly #directory: Directory;
  readonly #client: InternalClient;
  readonly #gateway: string;
  /** One waits for nearly every checkout; several where a buyer asked again. */
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
      onGone: () => void this.#registerAll(), // with those that are left
    });
  }

  get waiting(): number {
    return this.#listeners.size;
  }

  /** The listener gets the outcome of this checkout, once. */
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

  /** Asks the orders service to send the outcomes of these: of decided ones at once. */
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
    let rest = '';
    for await (const chunk of body) {
      // one character a byte: an answer's bytes leave as they came, nothing is decoded
      const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1');
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#dispatch(line);
    }
  }

  #dispatch(line: string): void {
    const outcome = readOutcomeLine(line);
    if (outcome === null) {
      const [kind, rest = ''] = splitOnce(line);
      if (kind === 'figures') this.figures = JSON.parse(rest);
      if (kind === 'keys') this.#events.keysAccepted(rest.split(' '));
      return;
    }
    const listeners = this.#listeners.get(outcome.id);
    if (listeners === undefined) return;
    this.#listeners.delete(outcome.id);
    if (!Array.isArray(listeners)) listeners.onOutcome(outcome.answer);
    else for (const listener of listeners) listener.onOutcome(outcome.answer);
  }
}

function splitOnce(line: string): [string, string?] {
  const space = line.indexOf(' ');
  return space < 0 ? [line] : [line.slice(0, space), line.slice(space + 1)];
}
