/**
 * Sends every change to every connected gateway, within milliseconds of the commit.
 *
 * Two sources, because neither suffices. What this instance committed itself it *announces* at
 * once, from memory. What other instances committed it finds by *polling* the outbox; alone, it
 * polls slowly, as a safety net. Gateways keep the highest version of a key, so a change that is
 * sent twice or late harms nothing; only a change that is never sent would.
 *
 * Modes: *asleep* (no gateway is connected: no timer, no query) and *following*. The place in the
 * outbox stops at the oldest transaction that is still open. Newer rows are sent at once, and read
 * again later, because that transaction may still add rows before them.
 *
 * A stream begins with a hello: the gateway forgets all it knows, and what it reads from then on
 * includes every change that was sent before. A new database leader ends all streams.
 *
 * Never: a heartbeat while changes of others could have gone unseen. So a feed whose polls fail
 * falls silent, and gateways stop trusting their caches by themselves.
 *
 * Rejected: NOTIFY in the selling transaction. Its global lock is held through the wait for the
 * quorum, and caps the whole database at 680 to 830 commits/s.
 */
import type { Sql } from '../../kit/database/postgres.ts';
import {
  invalidationKey,
  type OutboxPlace,
  type OutboxRow,
  type ProductChange,
  readHorizon,
  readInvalidations,
} from './invalidation-outbox.ts';

export interface FeedOptions {
  readonly database: Sql;
  /** Changes with the database leader. */
  readonly leaderEpoch: () => number;
  /** Whether another catalog instance may be committing. */
  readonly hasPeers: () => boolean;
  readonly pollMs?: number;
  readonly pollAloneMs?: number;
}

/** A connected gateway. `write` returns false when it cannot take more: it is then dropped. */
export interface FeedStream {
  write(line: string): boolean;
  end(): void;
}

const heartbeatMs = 250;
/** Without a successful poll for so long, there are no heartbeats. */
const pollAgeMsMax = 700;
const pageRowsMax = 5_000;
const sentMax = 50_000;
const idMax = Number.MAX_SAFE_INTEGER;

export class InvalidationFeed {
  readonly #options: FeedOptions;
  readonly #streams = new Set<FeedStream>();
  /** Versions sent already, by key and by SKU. Cleared when large: sending twice is harmless. */
  readonly #sent = new Map<string, number>();
  #place: OutboxPlace = { xid: '0', id: 0 };
  #leader = 0;
  #polledAt = Number.NEGATIVE_INFINITY;
  #pollTimer: NodeJS.Timeout | undefined;
  #heartbeatTimer: NodeJS.Timeout | undefined;
  #polling: Promise<void> = Promise.resolve();
  #closed = false;
  readonly counts = { messages: 0, polls: 0, pollFailures: 0 };

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  get streamCount(): number {
    return this.#streams.size;
  }

  /** Connects a gateway. Rejects where the database cannot be asked: then nothing is promised. */
  async connect(stream: FeedStream): Promise<void> {
    const leader = this.#options.leaderEpoch();
    const xmin = await readHorizon(this.#options.database);
    if (this.#closed) return stream.end();
    if (this.#streams.size === 0) this.#wake(placeBelow(BigInt(xmin)), leader);
    this.#streams.add(stream);
    this.#write(stream, '{"type":"hello"}\n');
  }

  disconnect(stream: FeedStream): void {
    if (this.#streams.delete(stream) && this.#streams.size === 0) this.#sleep();
  }

  /** What this instance has just committed. */
  announce(changes: readonly ProductChange[]): void {
    if (this.#streams.size > 0 && changes.length > 0) this.#send(changes);
  }

  /** Ends all streams: gateways come back, where they can. */
  restart(): void {
    for (const stream of [...this.#streams]) {
      this.disconnect(stream);
      stream.end();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.restart();
    await this.#polling;
  }

  #wake(place: OutboxPlace, leader: number): void {
    this.#place = place;
    this.#leader = leader;
    this.#polledAt = performance.now();
    this.#sent.clear();
    this.#heartbeatTimer = setInterval(() => this.#beat(), heartbeatMs);
    this.#schedulePoll();
  }

  #sleep(): void {
    clearTimeout(this.#pollTimer);
    clearInterval(this.#heartbeatTimer);
  }

  #schedulePoll(): void {
    const { hasPeers, pollMs = 10, pollAloneMs = 200 } = this.#options;
    const poll = () => {
      this.#polling = this.#poll();
    };
    clearTimeout(this.#pollTimer);
    this.#pollTimer = setTimeout(poll, hasPeers() ? pollMs : pollAloneMs);
  }

  async #poll(): Promise<void> {
    const { database, leaderEpoch } = this.#options;
    if (leaderEpoch() !== this.#leader) return this.restart();
    this.counts.polls += 1;
    try {
      const { xmin, rows } = await readInvalidations(database, this.#place, pageRowsMax);
      this.#polledAt = performance.now();
      this.#send(changesOf(rows));
      this.#place = placeAfter(this.#place, rows, xmin);
    } catch {
      this.counts.pollFailures += 1; // no heartbeat now: gateways see that
    }
    if (this.#streams.size > 0) this.#schedulePoll();
  }

  #send(changes: readonly ProductChange[]): void {
    if (this.#sent.size > sentMax) this.#sent.clear();
    const unsent = changes.flatMap((change) => {
      const fresh = this.#isUnsent(invalidationKey(change.productId), change.version);
      const stock = change.stock.filter(({ sku }) => this.#isUnsent(`sku ${sku}`, change.version));
      return fresh || stock.length > 0 ? [{ ...change, stock }] : [];
    });
    if (unsent.length === 0) return;
    const line = lineOf(unsent);
    for (const stream of [...this.#streams]) this.#write(stream, line);
  }

  #isUnsent(key: string, version: number): boolean {
    if (version <= (this.#sent.get(key) ?? 0)) return false;
    this.#sent.set(key, version);
    return true;
  }

  #beat(): void {
    if (performance.now() - this.#polledAt > pollAgeMsMax) return;
    for (const stream of [...this.#streams]) this.#write(stream, '{"type":"heartbeat"}\n');
  }

  #write(stream: FeedStream, line: string): void {
    this.counts.messages += 1;
    if (stream.write(line)) return;
    this.disconnect(stream);
    stream.end();
  }
}

function lineOf(changes: readonly ProductChange[]): string {
  const message = {
    type: 'changes',
    changes: changes.map(({ productId, version }) => ({
      key: invalidationKey(productId),
      version,
    })),
    stock: changes.flatMap(({ version, stock }) =>
      stock.map(({ sku, available }) => ({ sku, available, version })),
    ),
  };
  return `${JSON.stringify(message)}\n`;
}

/** Gathers rows by product and version, in order. */
function changesOf(rows: readonly OutboxRow[]): ProductChange[] {
  const groups = Map.groupBy(rows, (row) => `${row.product_id} ${row.version}`);
  return [...groups.values()].map((group) => {
    const { product_id: productId, version } = group[0] as OutboxRow;
    const stock = group.flatMap(({ sku, available }) =>
      sku === null || available === null ? [] : [{ sku, available }],
    );
    return { productId, version, stock };
  });
}

/** The place to read on from: the horizon, or the last row below it where there is more to read. */
function placeAfter(place: OutboxPlace, rows: readonly OutboxRow[], xmin: string): OutboxPlace {
  const horizon = BigInt(xmin);
  if (rows.length < pageRowsMax) {
    return BigInt(place.xid) >= horizon - 1n ? place : placeBelow(horizon);
  }
  const passed = rows.findLast((row) => BigInt(row.xid) < horizon);
  return passed === undefined ? place : { xid: passed.xid, id: passed.id };
}

/** Behind all that transactions below the horizon wrote. */
function placeBelow(horizon: bigint): OutboxPlace {
  return { xid: String(horizon - 1n), id: idMax };
}
