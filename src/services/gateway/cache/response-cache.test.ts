import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Surrogate } from '../../../kit/http/surrogates.ts';
import {
  type Fetched,
  type Loaded,
  ResponseCache,
  type ResponseCacheOptions,
} from './response-cache.ts';
import { StoredResponse } from './stored-response.ts';

function response(surrogates: readonly Surrogate[], text = JSON.stringify(surrogates)) {
  return new StoredResponse({
    status: 200,
    headers: { 'content-type': 'application/json' },
    etag: undefined,
    body: Buffer.from(text),
    surrogates,
  });
}

function cacheable(key: string, version: number): Fetched<never> {
  return { kind: 'cacheable', response: response([{ key, version }]) };
}

function openCache({
  bytesMax = 1_000_000,
  isLive = () => true,
  floorsMax = 1_000,
}: Partial<ResponseCacheOptions> = {}) {
  return new ResponseCache<never>({ bytesMax, entryBytesMax: bytesMax, isLive, floorsMax });
}

function versionOf(loaded: Loaded<unknown>): number {
  if (loaded.kind !== 'shared') throw new Error(`not shared: ${loaded.kind}`);
  return loaded.response.surrogates[0]?.version ?? -1;
}

describe('a response', () => {
  test('is stored until its key has a newer version than it shows', async () => {
    const cache = openCache();
    await cache.load('/a', async () => cacheable('p1', 7));
    cache.invalidate('p1', 7);
    expect(cache.lookup('/a')).toBeDefined();
    cache.invalidate('p1', 8);
    expect(cache.lookup('/a')).toBeUndefined();
  });

  test('is removed when any of its keys changes, and no other with it', async () => {
    const cache = openCache();
    const both = response([
      { key: 'p1', version: 1 },
      { key: 'listing', version: 1 },
    ]);
    await cache.load('/both', async () => ({ kind: 'cacheable', response: both }));
    await cache.load('/p2', async () => cacheable('p2', 1));
    cache.invalidate('listing', 2);
    expect(cache.lookup('/both')).toBeUndefined();
    expect(cache.lookup('/p2')).toBeDefined();
  });

  test('that is evicted by use leaves no trace, and the bytes stay bounded', async () => {
    const cache = openCache({ bytesMax: 10_000 });
    for (let i = 0; i < 100; i += 1) await cache.load(`/${i}`, async () => cacheable(`p${i}`, 1));
    expect(cache.bytes).toBeLessThanOrEqual(10_000);
    expect(cache.lookup('/99')).toBeDefined();
    expect(cache.lookup('/0')).toBeUndefined();
  });
});

describe('the race of a slow miss with an invalidation', () => {
  test('a fetch that reads before a change and arrives after it is not stored', async () => {
    const cache = openCache();
    const { promise: answer, resolve: arrive } = Promise.withResolvers<Fetched<never>>();
    const loading = cache.load('/a', () => answer);
    cache.invalidate('p1', 8); // the change overtakes the answer, which shows version 7
    arrive(cacheable('p1', 7));
    expect(versionOf(await loading)).toBe(7); // right for who asked before the change
    expect(cache.lookup('/a')).toBeUndefined();
  });

  test('whoever asked after the change was delivered does not get the older state', async () => {
    const cache = openCache();
    const answers = [
      Promise.withResolvers<Fetched<never>>(),
      Promise.withResolvers<Fetched<never>>(),
    ];
    let asked = 0;
    const fetch = () => (answers[asked++] as (typeof answers)[number]).promise;
    const early = cache.load('/a', fetch);
    cache.invalidate('p1', 8);
    const late = cache.load('/a', fetch);
    answers[0]?.resolve(cacheable('p1', 7));
    expect(versionOf(await early)).toBe(7);
    answers[1]?.resolve(cacheable('p1', 8));
    expect(versionOf(await late)).toBe(8);
    expect(cache.lookup('/a')?.surrogates[0]?.version).toBe(8);
  });

  test('a fetch that began before a flush is not stored', async () => {
    const cache = openCache();
    const { promise: answer, resolve: arrive } = Promise.withResolvers<Fetched<never>>();
    const loading = cache.load('/a', () => answer);
    cache.flush();
    arrive(cacheable('p1', 7));
    await loading;
    expect(cache.lookup('/a')).toBeUndefined();
  });

  test('with too many floors the cache is flushed', async () => {
    const cache = openCache({ floorsMax: 2 });
    await cache.load('/a', async () => cacheable('p1', 1));
    const { promise: answer, resolve: arrive } = Promise.withResolvers<Fetched<never>>();
    const loading = cache.load('/b', () => answer);
    cache.invalidate('p2', 2);
    for (const key of ['p3', 'p4', 'p5']) cache.invalidate(key, 2);
    arrive(cacheable('p2', 1)); // its floor was forgotten, so its session must refuse it
    await loading;
    expect([cache.lookup('/a'), cache.lookup('/b')]).toEqual([undefined, undefined]);
  });
});

describe('while changes may be missed', () => {
  test('only responses without surrogates are sent and stored', async () => {
    let live = true;
    const cache = openCache({ isLive: () => live });
    await cache.load('/a', async () => cacheable('p1', 1));
    await cache.load('/logo', async () => ({ kind: 'cacheable', response: response([], 'logo') }));
    live = false;
    expect(cache.lookup('/a')).toBeUndefined();
    expect(cache.lookup('/logo')).toBeDefined();
    await cache.load('/b', async () => cacheable('p1', 1));
    live = true;
    expect(cache.lookup('/b')).toBeUndefined();
  });

  test('many readers still cost one fetch at a time', async () => {
    const cache = openCache({ isLive: () => false });
    let fills = 0;
    const fetch = async () => {
      fills += 1;
      return cacheable('p1', fills);
    };
    const loads = Array.from({ length: 100 }, () => cache.load('/a', fetch));
    await Promise.all(loads);
    expect(fills).toBe(2); // the first asker's, and one for all who came while it was under way
  });
});

describe('what cannot be shared', () => {
  test('goes to the first caller only; the others must fetch their own', async () => {
    const cache = new ResponseCache<string>({
      bytesMax: 1_000,
      entryBytesMax: 1_000,
      isLive: () => true,
    });
    const fetch = async () => ({ kind: 'uncacheable', answer: 'yours' }) as const;
    const [first, second] = await Promise.all([cache.load('/me', fetch), cache.load('/me', fetch)]);
    expect(first).toEqual({ kind: 'own', answer: 'yours' });
    expect(second).toEqual({ kind: 'uncacheable' });
    expect(await cache.load('/me', fetch)).toEqual({ kind: 'uncacheable' });
  });

  test('a failed fetch fails for all who waited, and the next one tries again', async () => {
    const cache = openCache();
    const { promise: answer, reject } = Promise.withResolvers<Fetched<never>>();
    const both = [cache.load('/a', () => answer), cache.load('/a', () => answer)];
    reject(new Error('down'));
    for (const each of await Promise.allSettled(both)) expect(each.status).toBe('rejected');
    expect(versionOf(await cache.load('/a', async () => cacheable('p1', 1)))).toBe(1);
  });
});

/**
 * The model: the truth is a version for each key. A step changes the truth, delivers a change (in
 * order, maybe late), begins a fetch, reads the truth for it, lets it arrive, looks something up,
 * or breaks and restores the delivery. The keys share addresses, and the cache is small.
 */
const keys = ['p0', 'p1', 'p2'] as const;
const addresses: Readonly<Record<string, readonly (typeof keys)[number][]>> = {
  '/p0': ['p0'],
  '/p1': ['p1'],
  '/list': ['p0', 'p1', 'p2'],
};
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('commit'), key: fc.constantFrom(...keys) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('deliver') }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('ask'),
      address: fc.constantFrom(...Object.keys(addresses)),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('read'), pick: fc.nat(20) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('arrive'), pick: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cut') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('renew') }) },
);

class World {
  live = true;
  readonly truth = new Map<string, number>(keys.map((key) => [key, 1]));
  readonly delivered = new Map<string, number>(keys.map((key) => [key, 1]));
  readonly outbox: Surrogate[] = [];
  readonly fills: { address: string; shows?: Surrogate[]; arrive: (f: Fetched<never>) => void }[] =
    [];
  readonly pending: Promise<void>[] = [];
  readonly cache = new ResponseCache<never>({
    bytesMax: 2_600, // two of the three addresses
    entryBytesMax: 2_600,
    isLive: () => this.live,
  });

  commit(key: string): void {
    const version = (this.truth.get(key) ?? 0) + 1;
    this.truth.set(key, version);
    if (this.live) this.outbox.push({ key, version });
  }

  deliver(): void {
    const change = this.outbox.shift();
    if (change === undefined) return;
    this.cache.invalidate(change.key, change.version);
    this.delivered.set(change.key, change.version);
  }

  cut(): void {
    this.live = false;
    this.outbox.length = 0;
  }

  /** From now on every change is delivered again; earlier ones count as delivered. */
  renew(): void {
    this.live = true;
    this.outbox.length = 0;
    this.cache.flush();
    for (const key of keys) this.delivered.set(key, this.truth.get(key) ?? 0);
  }

  check(surrogates: readonly Surrogate[], known: ReadonlyMap<string, number>): void {
    for (const { key, version } of surrogates) {
      expect(version).toBeGreaterThanOrEqual(known.get(key) ?? 0);
    }
  }

  ask(address: string): void {
    const known = new Map(this.delivered);
    const found = this.cache.lookup(address);
    if (found !== undefined) {
      this.check(found.surrogates, known);
      return;
    }
    const loading = this.cache.load(
      address,
      () => new Promise((arrive) => this.fills.push({ address, arrive })),
    );
    this.pending.push(
      loading.then((loaded) => {
        if (loaded.kind === 'shared') this.check(loaded.response.surrogates, known);
      }),
    );
  }

  read(pick: number): void {
    const unread = this.fills.filter(({ shows }) => shows === undefined);
    const fill = unread[pick % Math.max(1, unread.length)];
    if (fill === undefined) return;
    const of = addresses[fill.address] ?? [];
    fill.shows = of.map((key) => ({ key, version: this.truth.get(key) ?? 0 }));
  }

  async arrive(pick: number): Promise<void> {
    const ready = this.fills.filter(({ shows }) => shows !== undefined);
    const fill = ready[pick % Math.max(1, ready.length)];
    if (fill === undefined) return;
    this.fills.splice(this.fills.indexOf(fill), 1);
    fill.arrive({ kind: 'cacheable', response: response(fill.shows ?? []) });
    for (let i = 0; i < 4; i += 1) await Promise.resolve();
  }

  async finish(): Promise<void> {
    while (this.fills.length > 0) {
      this.read(0);
      await this.arrive(0);
    }
    await Promise.all(this.pending);
  }
}

test('no interleaving shows a state that is older than a delivered change', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { size: 'max', maxLength: 100 }), async (steps) => {
      const world = new World();
      for (const each of steps) {
        if (each.do === 'commit') world.commit((each as { key: string }).key);
        if (each.do === 'deliver') world.deliver();
        if (each.do === 'ask') world.ask((each as { address: string }).address);
        if (each.do === 'read') world.read((each as { pick: number }).pick);
        if (each.do === 'arrive') await world.arrive((each as { pick: number }).pick);
        if (each.do === 'cut') world.cut();
        if (each.do === 'renew') world.renew();
      }
      await world.finish();
    }),
    { numRuns: 1_000 },
  );
});
