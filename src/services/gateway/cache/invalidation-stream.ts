/**
 * Receives the catalog's endless stream of changes, and knows whether it is complete.
 *
 * Modes: *disconnected* (choose an instance, connect, wait longer after each failure), *connecting*
 * (the hello has not come yet), *live* (the hello has come, and the stream was never silent for
 * more than `silenceMsMax` since). Only a live stream answers `isLive()` with true. Each time it
 * becomes live a new session begins (`onSession`): changes may have been missed before, so what was
 * known before is forgotten.
 *
 * Silence ends a session, even if bytes come afterwards. A process that was stopped and resumed
 * finds old heartbeats in its socket's buffer, while the changes after them have not arrived yet.
 * So the stream is closed and a new one opened.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { invalidations } from '../../../api/internal/catalog-routes.ts';
import type { Directory, ServiceInstance } from '../../../kit/cluster/directory.ts';
import type { InternalClient } from '../../../kit/http/internal-client.ts';
import { readNdjson } from '../../../kit/http/ndjson.ts';
import type { Log } from '../../../kit/log.ts';
import type { StockFigure } from './stock-board.ts';

/** A heartbeat may be one second old; a tenth of it is reserved for delays of this process. */
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
}

export class InvalidationStream {
  readonly #parts: InvalidationStreamParts;
  readonly #end = new AbortController();
  readonly #done: Promise<void>;
  #mode: 'disconnected' | 'connecting' | 'live' = 'disconnected';
  #receivedAt = Number.NEGATIVE_INFINITY;
  #refused = false;
  /** Sessions begun, changes received: for metrics. */
  readonly counts = { sessions: 0, changes: 0 };

  constructor(parts: InvalidationStreamParts) {
    this.#parts = parts;
    this.#done = this.#run();
  }

  isLive(): boolean {
    return this.#mode === 'live' && !this.#isSilent();
  }

  #isSilent(): boolean {
    return performance.now() - this.#receivedAt > silenceMsMax;
  }

  /**
   * True where no catalog runs: none is listed, or the last one refused the connection. Then
   * nothing can be sold, so the last known state is still true.
   */
  isCatalogAbsent(): boolean {
    if (this.#mode === 'live') return false;
    return this.#refused || this.#parts.directory.instances('catalog').length === 0;
  }

  /** Ends the stream. Resolves when it is closed. */
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
        await this.#pause(searchMsFirst); // short: reading the directory is cheap
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

  /** A random instance, if possible another than the one that failed last. */
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
    this.#mode = 'connecting';
    this.#receivedAt = performance.now();
    const watch = setInterval(() => {
      if (this.#isSilent()) cut.abort(new Error('silence'));
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
      this.#mode = 'disconnected';
      clearInterval(watch);
      cut.abort();
    }
  }

  async *#unlessSilent(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      if (this.#isSilent()) throw new Error('bytes after a silence');
      yield chunk;
      this.#receivedAt = performance.now();
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
      this.#receivedAt = performance.now();
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
