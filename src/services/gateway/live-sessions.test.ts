/** What a session may still do after it has ended, or after its account was demoted. */
import { describe, expect, test } from 'vitest';
import {
  endSession,
  fakeService,
  fakeShop,
  sessionCookie,
  sessionKey,
} from '../../../test/gateway/fake-shop.ts';
import { endpoints } from '../../api/openapi.ts';
import { systemClock } from '../../kit/clock.ts';
import { principalOf } from '../../kit/http/principal.ts';
import { Sessions } from './visitor/session.ts';

const roles = ['catalog', 'customers', 'orders', 'supervisor'] as const;

/** The role of each request that the services got, or `guest`. */
async function shopThatNotes(sessions?: Sessions) {
  const seen: string[] = [];
  const services = await Promise.all(
    roles.map((role) =>
      fakeService(role, (request, response) => {
        if (request.url?.startsWith('/api/')) seen.push(principalOf(request)?.role ?? 'guest');
        request.resume();
        response.end('{}');
      }),
    ),
  );
  const shop = await fakeShop(services, {
    ...(sessions && { sessions }),
    purchases: {
      buy: (_request, response, { principal }) => {
        seen.push(principal?.role ?? 'guest');
        response.end('{}');
      },
      checkout: (_request, response) => void response.end('{}'),
      checkoutEvents: (_request, response) => void response.end('{}'),
    },
  });
  return {
    seen,
    ask: (method: string, path: string, cookie?: string) =>
      fetch(shop.url + path, { method, ...(cookie && { headers: { cookie } }) }),
    async [Symbol.asyncDispose]() {
      await shop[Symbol.asyncDispose]();
      for (const service of services) await service[Symbol.asyncDispose]();
    },
  };
}

/** Carts are browsing; all else that the contract closes to guests is money, staff or one's own. */
const closed = [
  { method: 'POST', path: '/api/orders' },
  { method: 'GET', path: '/api/orders/{number}' },
  ...endpoints.filter(({ access, path }) => access !== 'public' && !path.startsWith('/api/carts')),
].map(({ method, path }) => [method, path.replaceAll(/\{\w+\}/g, '1')] as const);
const isForStaff = (path: string) => /^\/api\/(admin|control)\//.test(path);

const down = () => new Sessions(sessionKey, systemClock, () => Promise.reject(new Error('down')));

describe('money, staff and one’s own account', () => {
  test('use the current role, and are refused at once when the session has ended', async () => {
    await using shop = await shopThatNotes();
    for (const [method, path] of closed) {
      const cookie = await sessionCookie({ role: 'staff' });
      const ask = async () => (await shop.ask(method, path, cookie)).status;
      const statuses = [await ask()];
      endSession(cookie, { demoted: true });
      statuses.push(await ask());
      endSession(cookie);
      statuses.push(await ask());
      // The gateway itself refuses what is for staff only.
      const [answers, seen] = isForStaff(path)
        ? [[200, 403, 401], ['staff']]
        : [
            [200, 200, 200],
            ['staff', 'customer', 'guest'],
          ];
      expect([path, ...statuses]).toEqual([path, ...answers]);
      expect([path, ...shop.seen.splice(0)]).toEqual([path, ...seen]);
    }
  });

  test('are 503 with what to do where the customers service cannot be asked', async () => {
    await using shop = await shopThatNotes(down());
    const cookie = await sessionCookie({ role: 'owner' });
    for (const [method, path] of closed) {
      const answer = await shop.ask(method, path, cookie);
      expect([path, answer.status, answer.headers.get('retry-after')]).toEqual([path, 503, '5']);
      expect(await answer.json()).toMatchObject({ title: expect.stringContaining('sign-in') });
    }
    expect(shop.seen).toEqual([]);
  });
});

test('guests buy, a token shows its order, and carts go on meanwhile', async () => {
  await using shop = await shopThatNotes(down());
  const cookie = await sessionCookie();
  expect((await shop.ask('POST', '/api/orders')).status).toBe(200);
  expect((await shop.ask('GET', '/api/orders/1?token=t', cookie)).status).toBe(200);
  expect((await shop.ask('GET', '/api/carts/mine', cookie)).status).toBe(200);
  expect(shop.seen).toEqual(['guest', 'guest', 'customer']);
});
