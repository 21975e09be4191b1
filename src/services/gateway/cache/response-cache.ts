/**
 * A cache of whole responses, with invalidation by keys and versions.
 *
 * A response names its *surrogates*: the keys of the things it shows, each with the version shown.
 * The stream of changes calls `invalidate(key, version)`. That removes all responses that show an
 * older version, and the version becomes the *floor* of the key: the lowest version that may be
 * stored from now on. Without floors a slow fetch would store again what was just removed: it reads
 * version 7, the change to 8 is delivered, then its response arrives.
 *
 * `isLive` says whether all changes are received. While it is false, no response with surrogates is
 * sent or stored. Each time it becomes true the owner calls `flush`, which also begins a new
 * *session*: responses of fetches that began before are not stored.
 *
 * Each address has one fetch at a time. If its response may not be stored, it is still right for
 * all who asked before the fetch began: it shows a state at or after that moment. Those who asked
 * during the fetch may have seen a newer state, so they wait for the next one. Even while nothing
 * may be stored, an address costs one request at a time, and nobody waits for more than two.
 *
 * Never: a response with a state older than a change that was delivered before the request.
 */
import { LRUCache } from 'lru-cache';
import type { Surrogate } from '../../../kit/http/surrogates.ts';
import type { StoredResponse } from './stored-response.ts';

export interface ResponseCacheOptions {
  readonly bytesMax: number;
  readonly entryBytesMax: number;
  /** Whether all changes are received at this moment. */
  readonly isLive: () => boolean;
  /** Floors that are kept; with more keys than this the cache is flushed. */
  readonly floorsMax?: number;
}

/** What a fetch returned. */
export type Fetched<Answer> =
  | { readonly kind: 'cacheable'; readonly response: StoredResponse }
  /** Right for all who wait for it, but never stored: an error, or a "not found". */
  | { readonly kind: 'shared-once'; readonly response: StoredResponse }
  /** Different for each visitor: `answer` may be sent to one of them only. */
  | { readonly kind: 'uncacheable'; readonly answer: Answer };

export type Loaded<Answer> =
  /** Stored or not, it is right for this caller. */
  | { readonly kind: 'shared'; readonly response: StoredResponse }
  /** For this caller only. */
  | { readonly kind: 'own'; readonly answer: Answer }
  /** The address has a different answer for each visitor: the caller must fetch its own. */
  | { readonly kind: 'uncacheable' };

interface Waiter<Answer> {
  readonly resolve: (loaded: Loaded<Answer>) => void;
  readonly reject: (error: unknown) => void;
}

interface Fill<Answer> {
  /** Those who asked before the fetch under way began. */
  current: Waiter<Answer>[];
  /** Those who asked since. */
  next: Waiter<Answer>[];
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
/** So long an address counts as uncacheable after a fetch said so. */
const uncacheableMs = 5_000;
const uncacheableMax = 10_000;

export class ResponseCache<Answer> {
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
  /** Addresses of stored responses by surrogate key. */
  readonly #addresses = new Map<string, Set<string>>();
  readonly #floors = new Map<string, number>();
  readonly #fills = new Map<string, Fill<Answer>>();
  readonly #uncacheable = new LRUCache<string, true>({ max: uncacheableMax, ttl: uncacheableMs });
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

  /** Bytes that the stored responses may occupy. */
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

  /** The stored response, whether it may be sent or not. Does not count as a use. */
  peek(address: string): StoredResponse | undefined {
    return this.#entries.peek(address);
  }

  addresses(): Iterable<string> {
    return this.#entries.keys();
  }

  /** Fetches once for all who ask at the same time. Rejects with the error of `fetch`. */
  load(address: string, fetch: () => Promise<Fetched<Answer>>): Promise<Loaded<Answer>> {
    if (this.#uncacheable.has(address)) return Promise.resolve({ kind: 'uncacheable' });
    return new Promise((resolve, reject) => {
      const waiter = { resolve, reject };
      const underWay = this.#fills.get(address);
      if (underWay !== undefined) {
        this.counts.joined += 1;
        underWay.next.push(waiter);
        return;
      }
      const fill: Fill<Answer> = { current: [waiter], next: [] };
      this.#fills.set(address, fill);
      void this.#fill(address, fill, fetch);
    });
  }

  /** From now on no response may show an older version of `key` than `version`. */
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

  /** Removes all responses with surrogates. Fetches under way will not be stored. */
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

  async #fill(
    address: string,
    fill: Fill<Answer>,
    fetch: () => Promise<Fetched<Answer>>,
  ): Promise<void> {
    while (fill.current.length > 0) {
      const session = this.#session;
      this.counts.fills += 1;
      let fetched: Fetched<Answer>;
      try {
        fetched = await fetch();
      } catch (error) {
        this.#fills.delete(address);
        for (const { reject } of [...fill.current, ...fill.next]) reject(error);
        return;
      }
      if (fetched.kind === 'uncacheable') return this.#end(address, fill, fetched.answer);
      const { response } = fetched;
      const isStored = fetched.kind === 'cacheable' && this.#store(address, response, session);
      const served = isStored ? [...fill.current, ...fill.next] : fill.current;
      for (const { resolve } of served) resolve({ kind: 'shared', response });
      fill.current = isStored ? [] : fill.next;
      fill.next = [];
    }
    this.#fills.delete(address);
  }

  /** The first caller gets the answer; the others must fetch their own. */
  #end(address: string, { current, next }: Fill<Answer>, answer: Answer): void {
    this.counts.uncacheable += 1;
    this.#fills.delete(address);
    this.#uncacheable.set(address, true);
    const [first, ...others] = [...current, ...next];
    first?.resolve({ kind: 'own', answer });
    for (const { resolve } of others) resolve({ kind: 'uncacheable' });
  }

  #store(address: string, response: StoredResponse, session: number): boolean {
    const { surrogates } = response;
    const mayMissChanges = session !== this.#session || !this.#options.isLive();
    if (surrogates.some((each) => mayMissChanges || this.#isOutdated(each))) {
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
