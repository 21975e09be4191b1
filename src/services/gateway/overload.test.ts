import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openClientLimits } from './client-limits.ts';
import { Doorway } from './doorway.ts';
import { fakeService, fakeShop, sessionCookie } from './fake-shop.ts';
import {
  afterFinish,
  firstLimit,
  type InFlightLimit,
  limitMax,
  limitMin,
} from './in-flight-limit.ts';
import { type Admission, importanceOf, LoadShedder } from './load-shedder.ts';
import { createPublicServer, listen } from './public-listener.ts';

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
    expect(state.limit).toBeGreaterThan(150);
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

  test('shrinks when nobody answers', () => {
    expect(afterWindows(firstLimit(0), 10, 1, 128, true).limit).toBeLessThan(64);
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
    for (let i = 0; i < count; i += 1) inside.push(await shedder.enter('work', 'checkout'));
    return inside;
  }

  test('who finds no room waits; the important come first, then who came first', async () => {
    const shedder = new LoadShedder({ now: () => 0 });
    const inside = await fill(shedder, 128);
    const entered: string[] = [];
    for (const [name, importance] of [
      ['crawler', 'crawler'],
      ['page 1', 'browse'],
      ['page 2', 'browse'],
      ['order', 'lookup'],
    ] as const) {
      void shedder.enter('work', importance).then(() => entered.push(name));
    }
    for (const each of inside) {
      each.leave(false);
      await nextTurn();
    }
    expect(entered).toEqual(['order', 'page 1', 'page 2', 'crawler']);
    shedder.close();
  });

  test('after a second of waiting lines, patience ends and the rest is refused soon', async () => {
    let now = 0;
    const shedder = new LoadShedder({ now: () => now });
    const inside = await fill(shedder, 128);
    const patient = shedder.enter('work', 'lookup');
    now = 2_000;
    await expect(shedder.enter('work', 'lookup')).rejects.toMatchObject({
      body: { status: 503 },
      headers: { 'retry-after': '2' },
    });
    for (const each of inside) each.leave(false);
    (await patient).leave(false);
    expect(shedder.shed.lookup).toBe(1);
    shedder.close();
  });

  test('a late loop refuses crawlers before people and people before orders', async () => {
    let now = 0;
    const shedder = new LoadShedder({ now: () => now });
    now = 50 + 300;
    shedder.tick();
    await expect(shedder.enter('work', 'crawler')).rejects.toThrow();
    (await shedder.enter('work', 'browse')).leave(false);
    now += 50 + 700;
    shedder.tick();
    await expect(shedder.enter('work', 'browse')).rejects.toThrow();
    (await shedder.enter('work', 'lookup')).leave(false);
    shedder.close();
  });

  test.each([
    ['Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)', 'crawler'],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'browse'],
    ['Mozilla/5.0 (iPhone; Cubot X20) AppleWebKit/605.1.15', 'browse'],
    [undefined, 'browse'],
  ])('%s is a %s', (agent, importance) => {
    expect(importanceOf('browse', { headers: { 'user-agent': agent } })).toBe(importance);
    expect(importanceOf('lookup', { headers: { 'user-agent': agent } })).toBe('lookup');
  });
});

describe('what one client may ask for', () => {
  test('is told in headers, and refused with 429 and Retry-After beyond it', async () => {
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

  test('is less for one account than for an address that many share', async () => {
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

test('slow strangers push out each other, and a shopper gets in', async () => {
  const doorway = new Doorway(20);
  const server = createPublicServer((_request, response) => response.end('toys'), doorway);
  const listener = await listen(server, 0, '127.0.0.1');
  const slow: Socket[] = [];
  for (let i = 0; i < 60; i += 1) {
    const socket = connect(listener.port, '127.0.0.1').on('error', () => {});
    await once(socket, 'connect');
    socket.write('GET / HT');
    slow.push(socket);
  }
  await expect.poll(() => doorway.evicted).toBe(40);
  const answer = await fetch(`http://127.0.0.1:${listener.port}/`);
  expect(await answer.text()).toBe('toys');
  expect(doorway.strangers).toBeLessThanOrEqual(20);
  for (const socket of slow) socket.destroy();
  server.closeAll();
  await listener.close();
});
