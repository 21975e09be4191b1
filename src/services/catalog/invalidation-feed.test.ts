import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type CatalogFixture, openCatalog } from '../../../test/catalog-fixture.ts';
import { type PostgresFixture, startPostgres } from '../../../test/postgres-fixture.ts';
import { emptyCluster } from '../../kit/cluster/directory.ts';
import { type FeedStream, InvalidationFeed } from './invalidation-feed.ts';
import { addInvalidations, trimInvalidations } from './invalidation-outbox.ts';
import { reserve } from './stock.ts';

let postgres: PostgresFixture;
let catalog: CatalogFixture;
const feeds: InvalidationFeed[] = [];
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());
beforeEach(async () => {
  catalog = await openCatalog(postgres);
});
afterEach(async () => {
  for (const feed of feeds.splice(0)) await feed.close();
  await catalog.close();
});

interface Message {
  readonly type: string;
  readonly changes: readonly { key: string; version: number }[];
  readonly stock: readonly { sku: string; available: number; version: number }[];
}

/** A gateway's end of a stream: remembers what it received, and lets a test wait for more. */
class Listener implements FeedStream {
  readonly messages: Message[] = [];
  ended = false;
  takes = true;
  #wake: () => void = () => {};

  write(line: string): boolean {
    expect(line.endsWith('\n')).toBe(true);
    this.messages.push(JSON.parse(line));
    this.#wake();
    return this.takes;
  }
  end(): void {
    this.ended = true;
    this.#wake();
  }
  async until(condition: (listener: Listener) => boolean): Promise<void> {
    while (!condition(this)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
  get hello(): Message {
    return this.messages[0] as Message;
  }
  versionOf(key: string): number {
    const changes = this.messages.flatMap((message) => message.changes ?? []);
    return Math.max(0, ...changes.filter((each) => each.key === key).map((each) => each.version));
  }
  stockOf(sku: string): number | undefined {
    return this.messages.flatMap((message) => message.stock ?? []).findLast((s) => s.sku === sku)
      ?.available;
  }
  /** As a gateway understands it: a figure counts if its version is higher than all before. */
  newestStockOf(sku: string): number | undefined {
    const figures = this.messages.flatMap((message) => message.stock ?? []);
    return figures
      .filter((figure) => figure.sku === sku)
      .reduce<Message['stock'][number] | undefined>(
        (newest, figure) => (newest && newest.version >= figure.version ? newest : figure),
        undefined,
      )?.available;
  }
}

function openFeed(options: { peers?: boolean } = {}): InvalidationFeed {
  const feed = new InvalidationFeed({
    database: catalog.database,
    leaderEpoch: () => postgres.directory.current.epoch,
    hasPeers: () => options.peers ?? true,
    pollAloneMs: 3_600_000,
  });
  feeds.push(feed);
  return feed;
}

async function connect(feed: InvalidationFeed): Promise<Listener> {
  const listener = new Listener();
  await feed.connect(listener);
  return listener;
}

const sell = (number: number, sku = 'A') =>
  reserve(catalog.database, [
    {
      checkoutId: `019a0000-0000-7000-8000-${String(number).padStart(12, '0')}`,
      lines: [{ sku, quantity: 1 }],
    },
  ]);

describe('the feed of changes', () => {
  beforeEach(() => catalog.addToy('A', 5));

  it('begins with a hello, and goes on with heartbeats', async () => {
    const listener = await connect(openFeed());
    expect(listener.hello).toEqual({ type: 'hello' });
    await listener.until(({ messages }) => messages.some(({ type }) => type === 'heartbeat'));
  });

  it('sends what another instance sold', async () => {
    const listener = await connect(openFeed());
    await sell(1);
    await listener.until((each) => each.stockOf('A') === 4);
    const message = listener.messages.find(({ type }) => type === 'changes');
    expect(message).toMatchObject({ stock: [{ sku: 'A' }] });
    const version = message?.stock[0]?.version;
    expect(message?.changes).toEqual([{ key: expect.stringMatching(/^product-\d+$/), version }]);
  });

  it('sends the last state of a SKU that is deleted, imported again and moved', async () => {
    const listener = await connect(openFeed());
    const { importFile, call } = catalog;
    const file = (handle: string, sku: string, units: number) =>
      importFile(`Handle,Title,SKU,Price,Inventory quantity\n${handle},Toy,${sku},1,${units}\n`);
    const steps = [
      () => sell(1),
      () => sell(2),
      () => call('DELETE', '/api/admin/products/toy-a'),
      () => file('other', 'B', 1),
      () => file('again', 'A', 4),
      () => sell(3),
      () => file('again', 'C', 0), // gives A up
      () => file('other', 'A', 9),
    ];
    for (const step of steps) {
      await step();
      const { body } = await call('POST', '/internal/variants', { skus: ['A'] });
      const truth = body.variants[0]?.available ?? 0;
      await listener.until((each) => each.newestStockOf('A') === truth);
    }
    expect(listener.newestStockOf('A')).toBe(9);
  });

  it('sends at once what this instance sold, without asking the database', async () => {
    const feed = openFeed({ peers: false });
    const listener = await connect(feed);
    feed.announce((await sell(1)).changes);
    expect(listener.stockOf('A')).toBe(4);
  });

  it('does not skip a change that commits after later ones', async () => {
    const feed = openFeed();
    const listener = await connect(feed);
    let commit = () => {};
    const slow = catalog.database.transaction(async (sql) => {
      await addInvalidations(sql, [{ productId: 77, version: 9, stock: [] }]);
      await new Promise<void>((resolve) => {
        commit = resolve;
        sell(1).then(() => {}); // a later transaction commits first
      });
    });
    await listener.until((each) => each.stockOf('A') === 4);
    const polls = feed.counts.polls;
    await listener.until(() => feed.counts.polls > polls + 2);
    expect(listener.versionOf('product-77')).toBe(0);
    commit();
    await slow;
    await listener.until((each) => each.versionOf('product-77') === 9);
  });

  it('sends a gateway that comes back what happens from then on', async () => {
    const feed = openFeed();
    const first = await connect(feed);
    await sell(1);
    await first.until((each) => each.stockOf('A') === 4);
    const again = await connect(feed);
    await sell(2);
    await again.until((each) => each.stockOf('A') === 3);
    expect(again.hello).toEqual({ type: 'hello' });
  });

  it('sends a change that commits while a gateway connects', async () => {
    const feed = openFeed();
    const [listener] = await Promise.all([connect(feed), sell(1), sell(2), sell(3)]);
    const fresh = await catalog.call('POST', '/internal/variants', { skus: ['A'] });
    expect(fresh.body.variants[0]?.available).toBe(2);
    // A gateway that asks after its hello sees the sales, or is sent them.
    await sell(4);
    await listener.until((each) => each.stockOf('A') === 1);
  });

  it('forgets old rows of the outbox, some at a time', async () => {
    await sell(1);
    await catalog.database.query("update invalidations set at = now() - interval '1 hour'");
    await sell(2);
    const trim = () => trimInvalidations(catalog.database, 60, 2);
    const trimmed = [await trim(), await trim(), await trim()];
    expect(trimmed).toEqual([2, 1, 0]);
    const left = await catalog.database.query('select available from invalidations');
    expect(left).toEqual([{ available: 3 }]);
  });

  it('ends its streams when the database has another leader', async () => {
    const listener = await connect(openFeed());
    const { current } = postgres.directory;
    try {
      postgres.directory.set({ ...emptyCluster, ...current, revision: 2, epoch: 2 });
      await listener.until((each) => each.ended);
    } finally {
      postgres.directory.set(current);
    }
    expect(listener.ended).toBe(true);
  });

  it('drops a gateway that does not read', async () => {
    const feed = openFeed({ peers: false });
    const listener = await connect(feed);
    listener.takes = false;
    feed.announce((await sell(1)).changes);
    expect(listener.ended).toBe(true);
    expect(feed.streamCount).toBe(0);
  });

  it('asks nothing of the database while nobody listens', async () => {
    const feed = openFeed();
    const listener = await connect(feed);
    await listener.until(() => feed.counts.polls > 0);
    feed.disconnect(listener);
    await feed.close();
    const { polls } = feed.counts;
    await sell(1);
    await sell(2);
    expect(feed.counts.polls).toBe(polls);
  });
});

describe('a feed that cannot ask the database', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('falls silent, so that gateways stop trusting their caches', async () => {
    let isBroken = false;
    const database = {
      query: async () => {
        if (isBroken) throw new Error('no leader');
        return [{ xmin: '9', id: null }] as never[];
      },
    };
    const feed = new InvalidationFeed({ database, leaderEpoch: () => 1, hasPeers: () => true });
    const listener = await connect(feed);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(listener.messages.filter(({ type }) => type === 'heartbeat')).toHaveLength(8);
    isBroken = true;
    await vi.advanceTimersByTimeAsync(1_000);
    const { length } = listener.messages;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(listener.messages).toHaveLength(length);
    isBroken = false;
    await vi.advanceTimersByTimeAsync(500);
    expect(listener.messages.length).toBeGreaterThan(length);
    await feed.close();
  });
});
