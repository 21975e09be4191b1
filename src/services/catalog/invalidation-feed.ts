/**
 * Tells every connected gateway what changed, within milliseconds of the commit.
 *
 * Two sources, because neither suffices. What this instance committed itself it *announces* at
 * once, from memory. What other instances committed it finds by *polling* the outbox; alone, it
 * polls slowly, as a safety net. Gateways keep the highest version of a key, so hearing a change
 * twice or late harms nothing; only a change that is never told would.
 *
 * Modes: *asleep* (no gateway is connected: no timer, no query) and *following*. The place in the
 * outbox never moves past the horizon below which every transaction has ended: rows above it are
 * told too, but read again until the horizon has passed them.
 *
 * A stream begins with a hello. Its cursor is `<epoch>/<xid>/<id>`. A gateway that comes back with
 * a cursor this outbox can still continue gets the same epoch and what it missed; otherwise it
 * gets a new epoch, and must forget all it knows. A new database leader is always a new epoch.
 *
 * What must never hold: a heartbeat while changes of others could have gone unseen. So a feed whose
 * polls fail falls silent, and gateways stop trusting their caches by themselves.
 *
 * Rejected: NOTIFY in the selling transaction. Its global lock is held through the wait for the
 * quorum, and caps the whole database at 680 to 830 commits/s.
 */
import { randomUUID } from 'node:crypto';
import type { Sql } from '../../kit/database/postgres.ts';
import {
  type Horizon,
  invalidationKey,
  type OutboxPlace,
  type OutboxRow,
  type ProductChange,
  readHorizon,
  readInvalidations,
} from './invalidations.ts';

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
const toldMax = 50_000;
const idMax = Number.MAX_SAFE_INTEGER;

export class InvalidationFeed {
  readonly #options: FeedOptions;
  /** Each with the epoch of its hello. */
  readonly #streams = new Map<FeedStream, string>();
  /** Versions told already, by key and by SKU. Cleared when large: telling twice is harmless. */
  readonly #told = new Map<string, number>();
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

  /** Connects a gateway; what it missed since `cursor` follows the hello. */
  async connect(stream: FeedStream, cursor: string | undefined): Promise<void> {
    const leader = this.#options.leaderEpoch();
    const horizon = await readHorizon(this.#options.database);
    if (this.#closed) return stream.end();
    const start: OutboxPlace = { xid: String(BigInt(horizon.xmin) - 1n), id: idMax };
    const wanted = parseCursor(cursor);
    const continues = wanted !== null && canContinue(wanted, leader, horizon);
    const epoch = continues ? wanted.epoch : `${leader}-${randomUUID()}`;
    const from = continues ? wanted.place : start;
    if (this.#streams.size === 0) this.#wake(start, leader);
    this.#streams.set(stream, epoch);
    const hello = { type: 'hello', epoch, cursor: cursorOf(epoch, from) };
    this.#write(stream, `${JSON.stringify(hello)}\n`);
    await this.#catchUp(stream, from);
  }

  disconnect(stream: FeedStream): void {
    if (this.#streams.delete(stream) && this.#streams.size === 0) this.#sleep();
  }

  /** What this instance has just committed. */
  announce(changes: readonly ProductChange[]): void {
    if (this.#streams.size > 0 && changes.length > 0) this.#tell(changes);
  }

  /** Ends all streams: gateways come back, where they can. */
  restart(): void {
    for (const stream of [...this.#streams.keys()]) {
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
    this.#told.clear();
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
      this.#tell(changesOf(rows));
      this.#place = placeAfter(this.#place, rows, xmin);
    } catch {
      this.counts.pollFailures += 1; // silence tells the gateways
    }
    if (this.#streams.size > 0) this.#schedulePoll();
  }

  /** What was committed between `from` and now. The rest comes with everybody's messages. */
  async #catchUp(stream: FeedStream, from: OutboxPlace): Promise<void> {
    let place = from;
    for (;;) {
      const { rows } = await readInvalidations(this.#options.database, place, pageRowsMax);
      if (rows.length > 0) this.#write(stream, this.#line(stream, tailOf(changesOf(rows)), from));
      const last = rows.at(-1);
      if (last === undefined || rows.length < pageRowsMax) return;
      place = last;
    }
  }

  #tell(changes: readonly ProductChange[]): void {
    if (this.#told.size > toldMax) this.#told.clear();
    const news = changes.flatMap((change) => {
      const fresh = this.#isNews(invalidationKey(change.productId), change.version);
      const stock = change.stock.filter(({ sku }) => this.#isNews(`sku ${sku}`, change.version));
      return fresh || stock.length > 0 ? [{ ...change, stock }] : [];
    });
    if (news.length === 0) return;
    const tail = tailOf(news);
    for (const stream of [...this.#streams.keys()]) {
      this.#write(stream, this.#line(stream, tail, this.#place));
    }
  }

  #isNews(key: string, version: number): boolean {
    if (version <= (this.#told.get(key) ?? 0)) return false;
    this.#told.set(key, version);
    return true;
  }

  #line(stream: FeedStream, tail: string, place: OutboxPlace): string {
    const epoch = this.#streams.get(stream) ?? '';
    return `{"type":"changes","epoch":"${epoch}","cursor":"${cursorOf(epoch, place)}",${tail}`;
  }

  #beat(): void {
    if (performance.now() - this.#polledAt > pollAgeMsMax) return;
    for (const stream of [...this.#streams.keys()]) this.#write(stream, '{"type":"heartbeat"}\n');
  }

  #write(stream: FeedStream, line: string): void {
    this.counts.messages += 1;
    if (stream.write(line)) return;
    this.disconnect(stream);
    stream.end();
  }
}

/** The part of a message that is the same for every stream: serialised once. */
function tailOf(changes: readonly ProductChange[]): string {
  const body = {
    changes: changes.map(({ productId, version }) => ({
      key: invalidationKey(productId),
      version,
    })),
    stock: changes.flatMap(({ version, stock }) =>
      stock.map(({ sku, available }) => ({ sku, available, version })),
    ),
  };
  return `${JSON.stringify(body).slice(1)}\n`;
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
    return BigInt(place.xid) >= horizon - 1n ? place : { xid: String(horizon - 1n), id: idMax };
  }
  const passed = rows.findLast((row) => BigInt(row.xid) < horizon);
  return passed === undefined ? place : { xid: passed.xid, id: passed.id };
}

function cursorOf(epoch: string, { xid, id }: OutboxPlace): string {
  return `${epoch}/${xid}/${id}`;
}

interface Cursor {
  readonly epoch: string;
  readonly place: OutboxPlace;
}

function parseCursor(cursor: string | undefined): Cursor | null {
  const match = /^([\w-]{1,80})\/(\d{1,19})\/(\d{1,16})$/.exec(cursor ?? '');
  if (match === null) return null;
  return { epoch: match[1] as string, place: { xid: match[2] as string, id: Number(match[3]) } };
}

function canContinue({ epoch, place }: Cursor, leader: number, horizon: Horizon): boolean {
  const xid = BigInt(place.xid);
  const isKept = xid > BigInt(horizon.trimmed) && xid < BigInt(horizon.xmin);
  return isKept && epoch.startsWith(`${leader}-`);
}
