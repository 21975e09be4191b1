import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  fakeService,
  fakeShop,
  sessionCookie,
  sessionKey,
} from '../../../test/gateway/fake-shop.ts';
import { systemClock } from '../../kit/clock.ts';
import {
  afterFinish,
  firstLimit,
  type InFlightLimit,
  limitMax,
  limitMin,
} from './forward/in-flight-limit.ts';
import { type Admission, importanceOf, LoadShedder } from './forward/load-shedder.ts';
import { ConnectionLimit } from './listener/connection-limit.ts';
import { createPublicServer, listen } from './listener/public-listener.ts';
import { openClientLimits } from './visitor/client-limits.ts';
import { Sessions } from './visitor/session.ts';

/** Windows of 100 ms in which `perWindow` answers took `milliseconds` each. */
function afterWindows(
  state: InFlightLimit,
  count: number,
  milliseconds: number,
  inFlight: number,
  failed = false,
): InFlightLimit {
  let now = state.window.since;
  let next = state;
  for (let i = 0; i < count * 20; i += 1) {
    now += 5.5;
    next = afterFinish(next, { milliseconds, inFlight, failed }, now);
  }
  return next;
}

describe('the adaptive limit', () => {
  test('grows while answers take their usual time and it is used', () => {
    const state = afterWindows(firstLimit(0), 20, 5, 200);
    expect(state.limit).toBeGreaterThan(70);
  });

  test('does not grow while it is not used', () => {
    expect(afterWindows(firstLimit(0), 20, 5, 3).limit).toBe(firstLimit(0).limit);
  });

  test('shrinks when answers take much longer than usual, and recovers', () => {
    const usual = afterWindows(firstLimit(0), 20, 5, 3);
    const jammed = afterWindows(usual, 10, 100, 128);
    expect(jammed.limit).toBeLessThan(usual.limit * 0.7);
    const later = afterWindows(jammed, 60, 5, 128);
    expect(later.limit).toBeGreaterThan(jammed.limit * 1.5);
  });

  test('shrinks when no answers come', () => {
    expect(afterWindows(firstLimit(0), 10, 1, 128, true).limit).toBeLessThan(32);
  });

  test('stays within its bounds whatever happens', () => {
    const done = fc.record({
      milliseconds: fc.double({ min: 0, max: 60_000, noNaN: true }),
      inFlight: fc.nat(5_000),
      failed: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(done, { size: 'max', maxLength: 500 }), (all) => {
        let state = firstLimit(0);
        all.forEach((each, index) => {
          state = afterFinish(state, each, index * 30);
          expect(state.limit).toBeGreaterThanOrEqual(limitMin);
          expect(state.limit).toBeLessThanOrEqual(limitMax);
        });
      }),
    );
  });
});

describe('shedding', () => {
  async function fill(shedder: LoadShedder, count: number): Promise<Admission[]> {
    const inside: Admission[] = [];
    for (let i = 0; i < count; i += 1) inside.push(await shedder.enter('work', 'account'));
    return inside;
  }

  test('without room requests wait: accounts first and in order, newest pages first', async () => {
    const shedder = new LoadShedder(new SimulatedTime());
    const inside = await fill(shedder, 48);
    const entered: string[] = [];
    for (const [name, importance] of [
      ['crawler', 'crawler'],
      ['page 1', 'page'],
      ['cart 1', 'account'],
      ['page 2', 'page'],
      ['cart 2', 'account'],
    ] as const) {
      void Promise.resolve(shedder.enter('work', importance)).then(() => entered.push(name));
    }
    for (const each of inside) {
      each.leave(false);
      await nextTurn();
    }
    expect(entered).toEqual(['cart 1', 'cart 2', 'page 2', 'page 1', 'crawler']);
    shedder.close();
  });

  test('at ten times the capacity some are served soon, the others refused soon', async () => {
    const time = new SimulatedTime();
    const shedder = new LoadShedder(time);
    const quiet = await pour(shedder, time, 100, 5_000);
    const flood = await pour(shedder, time, 4_000, 30_000);
    const calm = await pour(shedder, time, 100, 2_000);
    shedder.close();
    expect([quiet.refused, calm.refused]).toEqual([0, 0]);
    expect(flood.p99Ms).toBeLessThanOrEqual(2 * quiet.p99Ms);
    expect(flood.letIn).toBeGreaterThan(30 * 400 * 0.8); // the service is kept busy
    expect(flood.refused).toBeGreaterThan(100_000);
    expect(flood.refusedAfterMsMax).toBeLessThanOrEqual(110);
    expect(calm.p99Ms).toBe(quiet.p99Ms);
  }, 30_000);

  test('one client with ten times the capacity delays no other', async () => {
    const time = new SimulatedTime();
    const shedder = new LoadShedder(time);
    const rates = { greedy: 4_000, other: 1 };
    const [greedy, other] = await pourTogether(shedder, time, rates, 30_000);
    shedder.close();
    expect(greedy?.refused).toBeGreaterThan(80_000);
    expect(other).toMatchObject({ letIn: 30, refused: 0 });
    expect(other?.p99Ms).toBeLessThan(1_000);
  }, 30_000);

  test('a late loop refuses crawlers before people, pages before carts and orders', async () => {
    const time = new SimulatedTime();
    const shedder = new LoadShedder(time);
    time.at = 50 + 300;
    shedder.tick();
    await expect(async () => shedder.enter('work', 'crawler')).rejects.toThrow();
    (await shedder.enter('work', 'page')).leave(false);
    time.at += 50 + 700;
    shedder.tick();
    await expect(async () => shedder.enter('work', 'page')).rejects.toThrow();
    (await shedder.enter('work', 'account')).leave(false);
    shedder.close();
  });

  test.each([
    ['Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)', 'crawler'],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'page'],
    ['Mozilla/5.0 (iPhone; Cubot X20) AppleWebKit/605.1.15', 'page'],
    [undefined, 'page'],
  ])('%s is a %s', (agent, importance) => {
    expect(importanceOf('page', { headers: { 'user-agent': agent } })).toBe(importance);
    expect(importanceOf('account', { headers: { 'user-agent': agent } })).toBe('account');
  });
});

interface Poured {
  readonly letIn: number;
  readonly refused: number;
  readonly p99Ms: number;
  readonly refusedAfterMsMax: number;
}

class SimulatedTime {
  at = 0;
  readonly #alarms = new Map<number, Set<() => void>>();

  now(): number {
    return this.at;
  }

  after(milliseconds: number, run: () => void): () => void {
    const due = this.at + Math.max(1, Math.ceil(milliseconds));
    const alarms = this.#alarms.get(due) ?? new Set();
    this.#alarms.set(due, alarms.add(run));
    return () => alarms.delete(run);
  }

  /** One millisecond, and everything that follows from it at once. */
  async tick(): Promise<void> {
    this.at += 1;
    for (const run of this.#alarms.get(this.at) ?? []) run();
    this.#alarms.delete(this.at);
    for (let i = 0; i < 5; i += 1) await Promise.resolve();
  }
}

/** Requests at a steady rate to a service of 8 workers that are busy 20 ms with each. */
async function pour(
  shedder: LoadShedder,
  time: SimulatedTime,
  ratePerSecond: number,
  milliseconds: number,
): Promise<Poured> {
  const [poured] = await pourTogether(shedder, time, { '': ratePerSecond }, milliseconds);
  return poured as Poured;
}

/** The same for several clients, by their rates; '' for many that are not counted. */
async function pourTogether(
  shedder: LoadShedder,
  time: SimulatedTime,
  rates: Record<string, number>,
  milliseconds: number,
): Promise<Poured[]> {
  const queue: (() => void)[] = [];
  let busy = 0;
  const work = (done: () => void): void => {
    if (busy === 8) {
      queue.push(() => work(done));
      return;
    }
    busy += 1;
    time.after(20, () => {
      busy -= 1;
      done();
      queue.shift()?.();
    });
  };
  const clients = Object.entries(rates).map(([client, ratePerSecond]) => ({
    ...{ client: client || null, ratePerSecond },
    ...{ latencies: [] as number[], refused: 0, refusedAfterMsMax: 0, due: 0 },
  }));
  const visit = async (by: (typeof clients)[number]): Promise<void> => {
    const askedAt = time.at;
    try {
      const admission = await shedder.enter('pages', 'page', by.client);
      await new Promise<void>(work);
      admission.leave(false);
      by.latencies.push(time.at - askedAt);
    } catch {
      by.refused += 1;
      by.refusedAfterMsMax = Math.max(by.refusedAfterMsMax, time.at - askedAt);
    }
  };
  for (let now = 0; now < milliseconds; now += 1) {
    for (const each of clients) {
      for (each.due += each.ratePerSecond / 1_000; each.due >= 1 - 1e-9; each.due -= 1) {
        void visit(each);
      }
    }
    await time.tick();
  }
  for (let now = 0; now < 1_000; now += 1) await time.tick();
  return clients.map(({ latencies, refused, refusedAfterMsMax }) => {
    latencies.sort((a, b) => a - b);
    const p99Ms = latencies[Math.floor(latencies.length * 0.99)] ?? Number.NaN;
    return { letIn: latencies.length, refused, p99Ms, refusedAfterMsMax };
  });
}

describe('the rate limit of a client', () => {
  test('is shown in headers; above it the answer is 429 with Retry-After', async () => {
    await using customers = await fakeService('customers', (_request, response) => {
      response.end('{}');
    });
    await using shop = await fakeShop([customers], { limits: openClientLimits() });
    const signIn = () => fetch(`${shop.url}/api/sessions`, { method: 'POST', body: '{}' });
    const first = await signIn();
    expect(first.headers.get('ratelimit-policy')).toBe('"sign-in";q=30;w=10');
    expect(first.headers.get('ratelimit')).toMatch(/^"sign-in";r=29;t=(9|10)$/);
    for (let i = 0; i < 29; i += 1) expect((await signIn()).status).toBe(200);
    const refused = await signIn();
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await refused.json()).type).toContain('too-many-requests');
    expect((await fetch(`${shop.url}/api/carts/1`)).status).toBe(200);
  });

  test('is low for new carts, which are stored; existing carts go on', async () => {
    await using customers = await fakeService('customers', (request, response) => {
      request.resume();
      response.end('{}');
    });
    await using shop = await fakeShop([customers], { limits: openClientLimits() });
    const cookie = await sessionCookie();
    const ask = async (method: string, path: string) =>
      (await fetch(shop.url + path, { method, headers: { cookie } })).status;
    for (let i = 0; i < 60; i += 1) expect(await ask('POST', '/api/carts')).toBe(200);
    expect(await ask('POST', '/api/carts')).toBe(429);
    expect(await ask('PUT', '/api/carts/1/lines/BEAR')).toBe(200);
    expect(await ask('POST', '/api/carts/1/claim')).toBe(200);
  });

  test.each(['/api/products?search=', '/search?q='])(
    'is less of %s with other words each time, which no cache can answer',
    async (path) => {
      await using catalog = await fakeService('catalog', (_request, response) => {
        response.end('{}');
      });
      await using storefront = await fakeService('storefront', (_request, response) => {
        response.end('a page');
      });
      const services = [catalog, storefront];
      await using shop = await fakeShop(services, { limits: openClientLimits() });
      const statuses: number[] = [];
      for (let i = 0; i < 201; i += 1) statuses.push((await fetch(shop.url + path + i)).status);
      expect(statuses.filter((status) => status === 200).length).toBe(200);
      expect(statuses.at(-1)).toBe(429);
      expect((await fetch(`${shop.url}/api/products/bear`)).status).toBe(200);
    },
  );

  test('refuses uploads of others than staff unread, without asking a service', async () => {
    let asked = 0;
    await using catalog = await fakeService('catalog', ({ method }, response) => {
      if (method === 'POST') asked += 1;
      response.end('{}');
    });
    await using shop = await fakeShop([catalog]);
    const upload = async (headers: Record<string, string>) => {
      const body = 'x'.repeat(100_000);
      const url = `${shop.url}/api/admin/products/import`;
      return (await fetch(url, { method: 'POST', headers, body })).status;
    };
    expect(await upload({})).toBe(401);
    expect(await upload({ cookie: await sessionCookie() })).toBe(403);
    expect(asked).toBe(0);
    expect(await upload({ cookie: await sessionCookie({ role: 'staff' }) })).toBe(200);
  });

  test('is counted before the session is checked: a flood reaches no service', async () => {
    let asked = 0;
    const sessions = new Sessions(sessionKey, systemClock, async (all) => {
      asked += all.length;
      return all.map(() => null);
    });
    await using shop = await fakeShop([], { limits: openClientLimits(), sessions });
    const headers = { cookie: await sessionCookie() };
    const change = async () =>
      (await fetch(`${shop.url}/api/customers/me`, { method: 'PATCH', headers })).status;
    for (let i = 0; i < 30; i += 1) expect(await change()).not.toBe(429);
    for (let i = 0; i < 20; i += 1) expect(await change()).toBe(429);
    expect(asked).toBe(30);
  });

  test('gives each a turn in the queue for sign-in, however slow attackers make it', async () => {
    const { promise: turn, resolve: endTurn } = Promise.withResolvers<void>();
    let arrived = 0;
    await using customers = await fakeService('customers', async (request, response) => {
      request.resume();
      arrived += 1;
      await turn;
      response.end('{}');
    });
    await using shop = await fakeShop([customers]);
    const signIns = Array.from({ length: 80 }, () =>
      fetch(`${shop.url}/api/sessions`, { method: 'POST', body: '{}' }),
    );
    await expect.poll(() => arrived, { timeout: 10_000 }).toBe(80);
    endTurn();
    const statuses = (await Promise.all(signIns)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200]));
  });

  test('is lower for an account than for an address that many share', async () => {
    await using shop = await fakeShop([], { limits: openClientLimits() });
    const buy = async (cookie: string) =>
      (await fetch(`${shop.url}/api/orders`, { method: 'POST', headers: { cookie } })).status;
    const ada = await sessionCookie();
    const statuses = [];
    for (let i = 0; i < 61; i += 1) statuses.push(await buy(ada));
    expect(statuses.filter((status) => status === 200).length).toBe(60);
    expect(statuses.at(-1)).toBe(429);
    expect(await buy('')).toBe(200);
  });
});

test('slow senders displace each other, and a shopper is served', async () => {
  const connectionLimit = new ConnectionLimit(20);
  const server = createPublicServer((_request, response) => response.end('toys'), connectionLimit);
  const listener = await listen(server, 0, '127.0.0.1');
  const slow: Socket[] = [];
  for (let i = 0; i < 60; i += 1) {
    const socket = connect(listener.port, '127.0.0.1').on('error', () => {});
    await once(socket, 'connect');
    socket.write('GET / HT');
    slow.push(socket);
  }
  await expect.poll(() => connectionLimit.evicted).toBe(40);
  const answer = await fetch(`http://127.0.0.1:${listener.port}/`);
  expect(await answer.text()).toBe('toys');
  expect(connectionLimit.pending).toBeLessThanOrEqual(20);
  for (const socket of slow) socket.destroy();
  server.closeAll();
  await listener.close();
});
