import { once } from 'node:events';
import { request as rawRequest } from 'node:http';
import { describe, expect, test } from 'vitest';
import { type FakeCatalog, fakeCatalog } from '../../../../test/gateway/fake-catalog.ts';
import {
  type FakeShop,
  fakeService,
  fakeShop,
  publish,
  sessionCookie,
} from '../../../../test/gateway/fake-shop.ts';
import { principalOf } from '../../../kit/http/principal.ts';

async function live(shop: FakeShop): Promise<void> {
  await expect
    .poll(() => shop.freshness.stream.isLive(), { interval: 5, timeout: 5_000 })
    .toBe(true);
}

async function versionAt(shop: FakeShop, path = '/api/products/7'): Promise<number> {
  return (await (await fetch(shop.url + path)).json()).version;
}

/** Waits until the gateway has received `count` changes. */
async function received(shop: FakeShop, count: number): Promise<void> {
  await expect.poll(() => shop.freshness.stream.counts.changes, { interval: 2 }).toBe(count);
}

function reads(catalog: FakeCatalog): number {
  return catalog.asked.filter((path) => path.startsWith('/api/products')).length;
}

/** A silent stream is replaced at once, so the time without one is short: look often, and long. */
const betweenStreams = { timeout: 20_000, interval: 2 };

describe('a read that is the same for everyone', () => {
  test('is fetched once and then answered from the cache until its product changes', async () => {
    await using catalog = await fakeCatalog();
    await using shop = await fakeShop([catalog]);
    await live(shop);
    for (let i = 0; i < 5; i += 1) expect(await versionAt(shop)).toBe(1);
    expect(reads(catalog)).toBe(1);
    catalog.change(7);
    await received(shop, 1);
    for (let i = 0; i < 5; i += 1) expect(await versionAt(shop)).toBe(2);
    expect(reads(catalog)).toBe(2);
  });

  test('is fetched once for all who ask at the same time', async () => {
    await using catalog = await fakeCatalog();
    await using shop = await fakeShop([catalog]);
    await live(shop);
    const { promise: hold, resolve: go } = Promise.withResolvers<void>();
    catalog.hold = hold;
    const versions = Array.from({ length: 50 }, () => versionAt(shop));
    await expect.poll(() => shop.freshness.reads.cache.counts.joined).toBe(49);
    go();
    expect(new Set(await Promise.all(versions))).toEqual(new Set([1]));
    expect(reads(catalog)).toBe(1);
  });

  test('is one answer for all addresses that differ in parameters without effect', async () => {
    await using catalog = await fakeCatalog();
    await using shop = await fakeShop([catalog]);
    await live(shop);
    const clicks = ['?fbclid=1', '?fbclid=2', '?utm_source=mail&utm_id=3', '?', ''];
    for (const click of clicks) expect(await versionAt(shop, `/api/products/7${click}`)).toBe(1);
    expect(catalog.asked.filter((path) => path.includes('/products'))).toEqual(['/api/products/7']);
    catalog.change(7);
    await received(shop, 1);
    expect(await versionAt(shop, '/api/products/7?fbclid=4')).toBe(2);
  });

  test('is answered 304 where the client has it already, and HEAD has no body', async () => {
    await using catalog = await fakeCatalog();
    await using shop = await fakeShop([catalog]);
    await live(shop);
    const first = await fetch(`${shop.url}/api/products/7`);
    expect(first.headers.get('etag')).toBe('"7-1"');
    await first.text();
    const headers = { 'if-none-match': '"7-1"', 'cache-control': 'max-age=0' };
    const again = await fetch(`${shop.url}/api/products/7`, { headers });
    expect([again.status, again.headers.get('etag')]).toEqual([304, '"7-1"']);
    expect(again.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'));
    const head = await fetch(`${shop.url}/api/products/7`, { method: 'HEAD' });
    expect(Number(head.headers.get('content-length'))).toBeGreaterThan(1_000);
    expect(await head.text()).toBe('');
  });

  test('is sent compressed to a client that accepts it', async () => {
    await using catalog = await fakeCatalog();
    await using shop = await fakeShop([catalog]);
    await live(shop);
    const encoding = async () => {
      const headers = { 'accept-encoding': 'br' };
      const answer = await fetch(`${shop.url}/api/products/7`, { headers });
      expect((await answer.json()).version).toBe(1);
      return answer.headers.get('content-encoding');
    };
    await expect.poll(encoding).toBe('br');
    expect(reads(catalog)).toBe(1);
  });
});

describe('the race of a slow miss with a change', () => {
  test('an answer that is older than the change is not stored', async () => {
    await using catalog = await fakeCatalog();
    await using shop = await fakeShop([catalog]);
    await live(shop);
    const { promise: hold, resolve: go } = Promise.withResolvers<void>();
    catalog.hold = hold;
    const read = catalog.nextRead();
    const slow = versionAt(shop);
    await read; // version 1 has been read, and is on its way
    catalog.change(7);
    await received(shop, 1); // the change overtakes it
    go();
    expect(await slow).toBe(1);
    catalog.hold = null;
    expect(await versionAt(shop)).toBe(2);
  });
});

describe('without a live stream', () => {
  test('a silent stream bypasses the cache, so no missed change is served', async () => {
    await using catalog = await fakeCatalog();
    await using shop = await fakeShop([catalog]);
    await live(shop);
    expect(await versionAt(shop)).toBe(1);
    catalog.stopHeartbeats();
    catalog.change(7, { silently: true });
    await expect.poll(() => shop.freshness.stream.isLive(), betweenStreams).toBe(false);
    expect(await versionAt(shop)).toBe(2);
  });

  test('a broken stream is replaced, and everything from before is forgotten', async () => {
    await using catalog = await fakeCatalog();
    await using shop = await fakeShop([catalog]);
    await live(shop);
    expect(await versionAt(shop)).toBe(1);
    catalog.cutStreams();
    catalog.change(7, { silently: true });
    await expect.poll(() => shop.freshness.stream.counts.sessions).toBe(2);
    await live(shop);
    expect(await versionAt(shop)).toBe(2);
  });

  test('another instance takes over the stream when the first is gone', async () => {
    await using first = await fakeCatalog('catalog-1');
    await using second = await fakeCatalog('catalog-2');
    await using shop = await fakeShop([first]);
    await live(shop);
    publish(shop.directory, [second]);
    await first[Symbol.asyncDispose]();
    await expect.poll(() => second.streams).toBe(1);
    await live(shop);
    expect(await versionAt(shop)).toBe(1);
  });
});

describe('while the catalog is down', () => {
  test('the last known answer is sent and marked, until the catalog is back', async () => {
    const first = await fakeCatalog('catalog-1');
    await using second = await fakeCatalog('catalog-1');
    second.change(7);
    await using storefront = await fakeService('storefront', (_request, response) => {
      response
        .writeHead(503, { 'cache-control': 'no-store' })
        .end('the shelves are being looked for');
    });
    await using shop = await fakeShop([first, storefront]);
    await live(shop);
    expect(await versionAt(shop)).toBe(1);
    await first[Symbol.asyncDispose]();
    const slow = { timeout: 5_000 };
    await expect.poll(() => shop.freshness.stream.isCatalogAbsent(), slow).toBe(true);
    const known = await fetch(`${shop.url}/api/products/7`);
    expect((await known.json()).version).toBe(1);
    expect(known.headers.get('cache-status')).toBe('doorbuster; hit; detail=last-known');
    expect((await fetch(`${shop.url}/api/products/8`)).status).toBe(503);
    expect((await fetch(`${shop.url}/products/new`)).status).toBe(503);
    publish(shop.directory, [second, storefront]);
    await expect.poll(() => versionAt(shop), slow).toBe(2);
  });

  test('a catalog that runs but is silent gets no last known answers sent', async () => {
    await using catalog = await fakeCatalog();
    await using shop = await fakeShop([catalog]);
    await live(shop);
    expect(await versionAt(shop)).toBe(1);
    catalog.stopHeartbeats();
    await expect.poll(() => shop.freshness.stream.isLive(), betweenStreams).toBe(false);
    expect(shop.freshness.stream.isCatalogAbsent()).toBe(false);
  });
});

describe('nothing personal is ever cached', () => {
  test('an answer that sets a cookie goes to its visitor only', async () => {
    await using catalog = await fakeCatalog();
    await using shop = await fakeShop([catalog]);
    await live(shop);
    for (let i = 0; i < 3; i += 1) {
      const answer = await fetch(`${shop.url}/api/products/personal-7`);
      expect(answer.headers.get('set-cookie')).toBe('who=you');
      await answer.text();
    }
    expect(reads(catalog)).toBe(3);
    expect(shop.freshness.reads.cache.size).toBe(0);
  });

  test('a public page is fetched without identity, and cached for everyone', async () => {
    await using catalog = await fakeCatalog();
    await using storefront = await fakeService('storefront', (request, response) => {
      const principal = request.headers['x-doorbuster-principal'];
      response.writeHead(200, {
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'public, no-cache',
        'surrogate-key': 'product-7',
        'surrogate-version': '1',
      });
      response.end(`<p>${principal ?? 'guest'} ${request.headers.cookie ?? 'no cookie'}</p>`);
    });
    await using shop = await fakeShop([catalog, storefront]);
    await live(shop);
    const page = async (cookie?: string) => {
      const headers = { accept: 'text/html', ...(cookie === undefined ? {} : { cookie }) };
      return (await fetch(`${shop.url}/products/teddy`, { headers })).text();
    };
    for (const cookie of [await sessionCookie(), 'cart=1', undefined, 'session=forged']) {
      expect(await page(cookie)).toBe('<p>guest no cookie</p>');
    }
    expect(shop.freshness.reads.hits).toBe(3);
  });

  test('a private page is rendered for the signed-in visitor, and never cached', async () => {
    await using catalog = await fakeCatalog();
    await using storefront = await fakeService('storefront', (request, response) => {
      response.writeHead(200, {
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'surrogate-key': 'product-7',
        'surrogate-version': '1',
      });
      response.end(String(request.headers['x-doorbuster-principal']));
    });
    await using shop = await fakeShop([catalog, storefront]);
    await live(shop);
    for (let i = 0; i < 2; i += 1) {
      const headers = { cookie: await sessionCookie() };
      const answer = await fetch(`${shop.url}/account`, { headers });
      expect(decodeURIComponent(await answer.text())).toContain('customer-7');
      expect(await (await fetch(`${shop.url}/account`)).text()).toBe('undefined');
    }
    expect(shop.freshness.reads.cache.size).toBe(0);
  });

  test('a page that is somebody’s own is asked for again each time, without cookies', async () => {
    await using catalog = await fakeCatalog();
    await using storefront = await fakeService('storefront', (request, response) => {
      response.writeHead(200, { 'content-type': 'text/html', 'cache-control': 'private' });
      response.end(`${principalOf(request)?.customerId} ${request.headers.cookie}`);
    });
    await using shop = await fakeShop([catalog, storefront]);
    await live(shop);
    const page = async (cookie: string) =>
      (await fetch(`${shop.url}/cart`, { headers: { cookie } })).text();
    expect(await page(await sessionCookie({ customerId: '1' }))).toBe('1 undefined');
    expect(await page(await sessionCookie({ customerId: '2' }))).toBe('2 undefined');
    expect(await page('cart=1')).toBe('undefined undefined');
  });

  test('what a client sends besides the address cannot poison what others get', async () => {
    await using catalog = await fakeCatalog();
    await using storefront = await fakeService('storefront', ({ headers }, response) => {
      response.writeHead(200, {
        'content-type': 'text/html',
        'cache-control': 'public, no-cache',
        'surrogate-key': 'listing',
        'surrogate-version': '1',
      });
      response.end(JSON.stringify(headers));
    });
    await using shop = await fakeShop([catalog, storefront]);
    await live(shop);
    const headers = {
      host: 'evil.example',
      'x-forwarded-host': 'evil.example',
      'accept-language': 'evil',
      'user-agent': 'evil',
    };
    const sent = rawRequest(`${shop.url}/`, { headers }).end();
    const [answer] = await once(sent, 'response');
    await once(answer.resume(), 'end');
    expect(await (await fetch(`${shop.url}/`)).text()).not.toContain('evil');
    expect(shop.freshness.reads.hits).toBe(1);
  });
});

describe('the stock board', () => {
  test('knows the figures of the stream, and asks once for the others', async () => {
    await using catalog = await fakeCatalog();
    await using shop = await fakeShop([catalog]);
    const { stock } = shop.freshness;
    expect(stock.soldOut('BEAR')).toBeNull();
    await live(shop);
    catalog.announceStock('BEAR', 0, 5);
    await expect.poll(() => stock.soldOut('BEAR')).toEqual({ available: 0 });
    catalog.announceStock('BEAR', 3, 4); // older than what is known
    catalog.announceStock('DUCK', 2, 1);
    await expect.poll(() => stock.soldOut('DUCK', 3)).toEqual({ available: 2 });
    expect(stock.soldOut('DUCK', 2)).toBeNull();
    expect(stock.soldOut('BEAR')).toEqual({ available: 0 });
    await expect.poll(() => stock.soldOut('GONE')).toEqual({ available: 0 });
  });

  test('refuses nothing while the stream is not live', async () => {
    await using catalog = await fakeCatalog();
    await using shop = await fakeShop([catalog]);
    await live(shop);
    catalog.announceStock('BEAR', 0, 5);
    await expect.poll(() => shop.freshness.stock.soldOut('BEAR')).not.toBeNull();
    catalog.stopHeartbeats();
    await expect.poll(() => shop.freshness.stock.soldOut('BEAR'), betweenStreams).toBeNull();
  });
});

test('the sampler finds an answer whose change was not announced, and removes it', async () => {
  await using catalog = await fakeCatalog();
  await using shop = await fakeShop([catalog]);
  const { sampler, reads: cachedReads } = shop.freshness;
  await live(shop);
  await versionAt(shop);
  await sampler.sample();
  expect(sampler.counts.stale).toBe(0);
  catalog.change(7, { silently: true });
  await sampler.sample();
  expect(sampler.counts.stale).toBe(1);
  expect(cachedReads.cache.size).toBe(0);
});
