/**
 * Whole responses, kept until somebody says that what they were made from has changed.
 *
 * Every perishable response names its *surrogates*: keys of the things it shows, each with the
 * version it shows. Somebody outside (a stream of changes) calls `invalidate(key, version)`: all
 * responses that show an older version go, and the version becomes the key's *floor*, the lowest
 * that a later fill may bring. Without floors a slow miss would put back what was just removed:
 * a fill reads version 7, the change to 8 is delivered, then the fill arrives.
 *
 * The cache is *trusted* only while the outside promises to hear of every change (`isLive`).
 * Otherwise nothing perishable is answered or stored. Each time that promise begins anew the
 * owner calls `flush`, which also refuses every fill that began before (its *session* is over).
 *
 * One fill a key at a time. A fill that is refused is still a right answer for everyone who asked
 * before it was begun, since it shows a state at or after their asking; those who asked while it
 * was under way may know better, and wait for the next one. So even with the cache not trusted a
 * crowd costs one request at a time for each address, and nobody waits for more than two.
 *
 * What must never hold: an answer from here, or to someone who asked after the delivery of a
 * change, that shows the state before it.
 */
import { LRUCache } from 'lru-cache';
import type { StoredResponse, Surrogate } from './stored-response.ts';

export interface ResponseCacheOptions {
  readonly bytesMax: number;
  readonly entryBytesMax: number;
  /** Whether every change is heard of at this moment. */
  readonly isLive: () => boolean;
  /** Keys whose floor is remembered; with more, the cache begins anew. */
  readonly floorsMax?: number;
}

/** What a fill brought. `rest` is for the one who asked, never for others. */
export type Fetched<Rest> =
  | { readonly kind: 'cacheable'; readonly response: StoredResponse }
  /** The same for all who asked, but not to be kept: a failure, or a "not found". */
  | { readonly kind: 'passing'; readonly response: StoredResponse }
  | { readonly kind: 'uncacheable'; readonly rest: Rest };

export type Loaded<Rest> =
  /** From the cache, or right for this asker though it could not be kept. */
  | { readonly kind: 'shared'; readonly response: StoredResponse; readonly kept: boolean }
  /** For this asker alone. */
  | { readonly kind: 'own'; readonly rest: Rest }
  /** This address gives everyone something else: ask for yourself. */
  | { readonly kind: 'alone' };

interface Waiter<Rest> {
  readonly resolve: (loaded: Loaded<Rest>) => void;
  readonly reject: (error: unknown) => void;
}

interface Flight<Rest> {
  /** Asked before the fill under way was begun. */
  before: Waiter<Rest>[];
  /** Asked since. */
  since: Waiter<Rest>[];
}

export interface CacheCounts {
  fills: number;
  joined: number;
  refused: number;
  uncacheable: number;
  invalidations: number;
  removed: number;
  flushes: number;
}

const floorsMaxDefault = 200_000;
const aloneMs = 5_000;
const aloneMax = 10_000;

export class ResponseCache<Rest> {
  readonly counts: CacheCounts = {
    fills: 0,
    joined: 0,
    refused: 0,
    uncacheable: 0,
    invalidations: 0,
    removed: 0,
    flushes: 0,
  };
  readonly #options: ResponseCacheOptions;
  readonly #entries: LRUCache<string, StoredResponse>;
  /** Addresses by surrogate key: what an invalidation must look at. */
  readonly #addresses = new Map<string, Set<string>>();
  readonly #floors = new Map<string, number>();
  readonly #flights = new Map<string, Flight<Rest>>();
  readonly #alone = new LRUCache<string, true>({ max: aloneMax, ttl: aloneMs });
  #session = 0;

  constructor(options: ResponseCacheOptions) {
    this.#options = options;
    this.#entries = new LRUCache({
      maxSize: options.bytesMax,
      maxEntrySize: options.entryBytesMax,
      sizeCalculation: ({ bytes }) => bytes,
      dispose: (response, address) => this.#unlink(response, address),
    });
  }

  /** Bytes that the kept responses may occupy. */
  get bytes(): number {
    return this.#entries.calculatedSize;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** A response that may be sent now, or undefined. */
  lookup(address: string): StoredResponse | undefined {
    const found = this.#entries.get(address);
    if (found === undefined) return undefined;
    if (found.surrogates.length > 0 && !this.#options.isLive()) return undefined;
    return found;
  }

  /** As `lookup`, without counting as a use: for those who watch. */
  peek(address: string): StoredResponse | undefined {
    return this.#entries.peek(address);
  }

  addresses(): Iterable<string> {
    return this.#entries.keys();
  }

  /** Fetches, once for all who ask at the same time. Rejects with what `fetch` rejects with. */
  load(address: string, fetch: () => Promise<Fetched<Rest>>): Promise<Loaded<Rest>> {
    if (this.#alone.has(address)) return Promise.resolve({ kind: 'alone' });
    return new Promise((resolve, reject) => {
      const waiter = { resolve, reject };
      const flight = this.#flights.get(address);
      if (flight !== undefined) {
        this.counts.joined += 1;
        flight.since.push(waiter);
        return;
      }
      const begun: Flight<Rest> = { before: [waiter], since: [] };
      this.#flights.set(address, begun);
      void this.#fly(address, begun, fetch);
    });
  }

  /** From now on `version` is the oldest acceptable state of `key`. */
  invalidate(key: string, version: number): void {
    this.counts.invalidations += 1;
    const floor = this.#floors.get(key);
    if (floor !== undefined && version <= floor) return;
    const floorsMax = this.#options.floorsMax ?? floorsMaxDefault;
    if (floor === undefined && this.#floors.size >= floorsMax) this.flush();
    this.#floors.set(key, version);
    for (const address of this.#addresses.get(key) ?? []) {
      const shown = this.#entries.peek(address)?.surrogates.find((each) => each.key === key);
      if (shown === undefined || shown.version >= version) continue;
      this.counts.removed += 1;
      this.#entries.delete(address);
    }
  }

  /** Forgets all that is perishable and refuses the fills that are under way. */
  flush(): void {
    this.counts.flushes += 1;
    this.#session += 1;
    this.#floors.clear();
    for (const [address, { surrogates }] of [...this.#entries.entries()]) {
      if (surrogates.length > 0) this.#entries.delete(address);
    }
  }

  remove(address: string): void {
    this.#entries.delete(address);
  }

  async #fly(
    address: string,
    flight: Flight<Rest>,
    fetch: () => Promise<Fetched<Rest>>,
  ): Promise<void> {
    while (flight.before.length > 0) {
      const session = this.#session;
      this.counts.fills += 1;
      let fetched: Fetched<Rest>;
      try {
        fetched = await fetch();
      } catch (error) {
        this.#flights.delete(address);
        for (const { reject } of [...flight.before, ...flight.since]) reject(error);
        return;
      }
      if (fetched.kind === 'uncacheable') return this.#part(address, flight, fetched.rest);
      const { response } = fetched;
      const kept = fetched.kind === 'cacheable' && this.#accept(address, response, session);
      for (const { resolve } of flight.before) resolve({ kind: 'shared', response, kept });
      if (kept) for (const { resolve } of flight.since) resolve({ kind: 'shared', response, kept });
      flight.before = kept ? [] : flight.since;
      flight.since = [];
    }
    this.#flights.delete(address);
  }

  /** The first asker gets what was fetched; the others learn to ask for themselves. */
  #part(address: string, { before, since }: Flight<Rest>, rest: Rest): void {
    this.counts.uncacheable += 1;
    this.#flights.delete(address);
    this.#alone.set(address, true);
    const [first, ...others] = [...before, ...since];
    first?.resolve({ kind: 'own', rest });
    for (const { resolve } of others) resolve({ kind: 'alone' });
  }

  #accept(address: string, response: StoredResponse, session: number): boolean {
    const { surrogates } = response;
    if (surrogates.length > 0 && (session !== this.#session || !this.#options.isLive())) {
      this.counts.refused += 1;
      return false;
    }
    if (surrogates.some((each) => this.#isOutdated(each))) {
      this.counts.refused += 1;
      return false;
    }
    this.#entries.set(address, response, { ttl: response.keepMs });
    if (this.#entries.peek(address) === response) this.#link(response, address);
    return true;
  }

  #isOutdated({ key, version }: Surrogate): boolean {
    return version < (this.#floors.get(key) ?? Number.NEGATIVE_INFINITY);
  }

  #link({ surrogates }: StoredResponse, address: string): void {
    for (const { key } of surrogates) {
      const addresses = this.#addresses.get(key);
      if (addresses === undefined) this.#addresses.set(key, new Set([address]));
      else addresses.add(address);
    }
  }

  #unlink({ surrogates }: StoredResponse, address: string): void {
    for (const { key } of surrogates) {
      const addresses = this.#addresses.get(key);
      addresses?.delete(address);
      if (addresses?.size === 0) this.#addresses.delete(key);
    }
  }
}
