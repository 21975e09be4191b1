/**
 * The catalog's endless stream of changes, and how far it can be believed.
 *
 * Modes: *searching* (no stream: find an instance, connect, wait a little longer each time),
 * *greeting* (connected, nothing received yet), *live* (the hello has come, and never more than
 * `silenceMsMax` of silence since). Only live answers `isLive()`. Each way into live begins a new
 * session (`onSession`): whatever was known before may have missed changes and is forgotten.
 *
 * Silence ends a session for good, even if bytes come afterwards: a process that was stopped and
 * resumed finds old heartbeats in its socket's buffer, with the changes that matter still behind
 * them. So bytes that come after too long a silence are not read; a new stream is opened instead.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { invalidations } from '../../../api/internal/catalog-routes.ts';
import type { Directory, ServiceInstance } from '../../../kit/cluster/directory.ts';
import type { InternalClient } from '../../../kit/http/internal-client.ts';
import { readNdjson } from '../../../kit/http/ndjson.ts';
import type { Log } from '../../../kit/log.ts';
import type { StockFigure } from './stock-board.ts';

/** Design: a heartbeat at most one second old. A tenth is kept back for our own lateness. */
const silenceMsMax = 900;
const watchEveryMs = 50;
const searchMsFirst = 20;
const searchMsMax = 1_000;

export interface ChangedKey {
  readonly key: string;
  readonly version: number;
}

type StreamMessage =
  | { readonly type: 'hello' }
  | {
      readonly type: 'changes';
      readonly changes: readonly ChangedKey[];
      readonly stock?: readonly StockFigure[];
    }
  | { readonly type: 'heartbeat' };

export interface StreamListener {
  /** Everything known so far may be outdated. */
  onSession(): void;
  onChanges(changes: readonly ChangedKey[], stock: readonly StockFigure[]): void;
}

export interface InvalidationStreamParts {
  readonly directory: Directory;
  readonly open: InternalClient['stream'];
  readonly listener: StreamListener;
  readonly log: Log;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
}

export class InvalidationStream {
  readonly #parts: InvalidationStreamParts;
  readonly #now: () => number;
  readonly #end = new AbortController();
  readonly #done: Promise<void>;
  #mode: 'searching' | 'greeting' | 'live' = 'searching';
  #receivedAt = Number.NEGATIVE_INFINITY;
  #refused = false;
  /** Sessions begun, changes received: for metrics. */
  readonly counts = { sessions: 0, changes: 0 };

  constructor(parts: InvalidationStreamParts) {
    this.#parts = parts;
    this.#now = parts.now ?? (() => performance.now());
    this.#done = this.#run();
  }

  isLive(): boolean {
    return this.#mode === 'live' && this.#now() - this.#receivedAt <= silenceMsMax;
  }

  /**
   * True where there is no catalog at all: none is listed, or the last one refused the connection.
   * Then nobody can be selling anything, and what was last known is the best there is to show.
   */
  isCatalogAbsent(): boolean {
    if (this.#mode === 'live') return false;
    return this.#refused || this.#parts.directory.instances('catalog').length === 0;
  }

  /** Ends the stream. Resolves when nothing of it is left. */
  async close(): Promise<void> {
    this.#end.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    let waitMs = searchMsFirst;
    let last: ServiceInstance | undefined;
    while (!this.#end.signal.aborted) {
      const instance = this.#choose(last);
      if (instance === undefined) {
        await this.#pause(searchMsFirst); // looking into the directory costs nothing
        continue;
      }
      const sessionsBefore = this.counts.sessions;
      await this.#follow(instance);
      last = instance;
      waitMs = this.counts.sessions > sessionsBefore ? searchMsFirst : waitMs * 2;
      waitMs = Math.min(searchMsMax, waitMs);
      await this.#pause(waitMs * (0.5 + Math.random()));
    }
  }

  #pause(milliseconds: number): Promise<void> {
    return delay(milliseconds, undefined, { signal: this.#end.signal }).catch(() => {});
  }

  /** Another instance than the one that just failed, where there is another. */
  #choose(last: ServiceInstance | undefined): ServiceInstance | undefined {
    const ready = this.#parts.directory.instances('catalog');
    const others = ready.filter(({ url }) => url !== last?.url);
    const candidates = others.length > 0 ? others : ready;
    return candidates[Math.floor(Math.random() * candidates.length)];
  }

  async #follow(instance: ServiceInstance): Promise<void> {
    const { log } = this.#parts;
    const cut = new AbortController();
    const signal = AbortSignal.any([cut.signal, this.#end.signal]);
    this.#mode = 'greeting';
    this.#receivedAt = this.#now();
    const watch = setInterval(() => {
      if (this.#now() - this.#receivedAt > silenceMsMax) cut.abort(new Error('silence'));
    }, watchEveryMs);
    try {
      const body = await this.#parts.open(instance, invalidations.path, signal);
      for await (const message of readNdjson<StreamMessage>(this.#unlessSilent(body))) {
        this.#receive(message);
      }
      throw new Error('the stream ended');
    } catch (error) {
      if (this.#end.signal.aborted) return;
      this.#refused = isRefusal(error);
      const why = cut.signal.aborted ? 'silence' : (error as Error).message;
      log.warn({ instance: instance.id, why }, 'no stream of changes: the cache is bypassed');
    } finally {
      this.#mode = 'searching';
      clearInterval(watch);
      cut.abort();
    }
  }

  async *#unlessSilent(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      if (this.#now() - this.#receivedAt > silenceMsMax) throw new Error('bytes after a silence');
      yield chunk;
      this.#receivedAt = this.#now();
    }
  }

  #receive(message: StreamMessage): void {
    const { listener, log } = this.#parts;
    if (message.type === 'heartbeat') return;
    if (message.type === 'hello') {
      this.#refused = false;
      this.counts.sessions += 1;
      listener.onSession();
      this.#mode = 'live';
      this.#receivedAt = this.#now();
      log.info('following the stream of changes');
    } else {
      this.counts.changes += message.changes.length;
      listener.onChanges(message.changes, message.stock ?? []);
    }
  }
}

function isRefusal(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'ECONNREFUSED';
}
