/**
 * Checks the cache while it runs: fetches a random cached address anew and compares.
 *
 * A difference alone proves nothing, since the change may still be on its way to this gateway. The
 * response is stale only if it is still in the cache `graceMs` later. The count of those must stay
 * 0; each is logged as a defect, and the response is removed.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../../../kit/log.ts';
import type { Fetched, ResponseCache } from './response-cache.ts';
import type { StoredResponse } from './stored-response.ts';

const sampleEveryMs = 1_000;
const graceMs = 1_000;
const stepsMax = 500;

export interface SamplerParts {
  readonly cache: Pick<ResponseCache<unknown>, 'peek' | 'addresses' | 'remove' | 'size'>;
  readonly fetch: (address: string) => Promise<Fetched<unknown>>;
  readonly log: Log;
}

/** Whether `fresh` shows another state than `kept`. Of pages only the versions are compared. */
export function differs(kept: StoredResponse, fresh: StoredResponse): boolean {
  const shown = new Map(kept.surrogates.map(({ key, version }) => [key, version]));
  if (fresh.surrogates.some(({ key, version }) => shown.get(key) !== version)) return true;
  if (fresh.surrogates.length !== kept.surrogates.length) return true;
  const isData = kept.identity.headers.includes('application/json; charset=utf-8');
  return isData && !kept.identity.body.equals(fresh.identity.body);
}

function isOutdated(kept: StoredResponse, fresh: Fetched<unknown>): boolean {
  if (fresh.kind === 'cacheable') return differs(kept, fresh.response);
  // A failing service proves nothing; "not found" and an uncacheable answer do.
  return fresh.kind === 'uncacheable' || fresh.response.status < 500;
}

export class Sampler {
  readonly counts = { samples: 0, stale: 0 };
  readonly #parts: SamplerParts;
  readonly #end = new AbortController();
  readonly #done: Promise<void>;

  constructor(parts: SamplerParts) {
    this.#parts = parts;
    this.#done = this.#run();
  }

  async close(): Promise<void> {
    this.#end.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      await this.#wait(sampleEveryMs).catch(() => {});
      if (!signal.aborted) await this.sample().catch(() => {}); // the fetch failed: try again later
    }
  }

  #wait(milliseconds: number): Promise<void> {
    return delay(milliseconds, undefined, { signal: this.#end.signal, ref: false });
  }

  async sample(): Promise<void> {
    const { cache, fetch, log } = this.#parts;
    const address = this.#randomAddress();
    const kept = address === undefined ? undefined : cache.peek(address);
    if (address === undefined || kept === undefined || kept.surrogates.length === 0) return;
    const fresh = await fetch(address);
    this.counts.samples += 1;
    if (!isOutdated(kept, fresh) || cache.peek(address) !== kept) return;
    await this.#wait(graceMs);
    if (cache.peek(address) !== kept) return;
    this.counts.stale += 1;
    log.error({ surrogates: kept.surrogates }, 'a stale answer was being served');
    cache.remove(address);
  }

  #randomAddress(): string | undefined {
    const { cache } = this.#parts;
    let steps = Math.floor(Math.random() * Math.min(cache.size, stepsMax));
    for (const address of cache.addresses()) {
      if (steps === 0) return address;
      steps -= 1;
    }
    return undefined;
  }
}
