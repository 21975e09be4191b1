import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Value } from 'typebox/value';
import { afterEach, describe, expect, test } from 'vitest';
import {
  type CustomersFixture,
  cheapHashes,
  cookieOf,
  customersPerTest,
} from '../../../test/customers/customers-fixture.ts';
import { type AuditEntry, AuditLog } from '../../api/admin-customer.ts';
import { emptyCluster } from '../../kit/cluster/directory.ts';
import type { Database } from '../../kit/database/postgres.ts';
import type { Principal } from '../../kit/http/principal.ts';
import { timeoutHeader } from '../../kit/http/propagation.ts';
import { ensureOwner, ownerEmail } from './owner.ts';

let database: Database;
let shop: CustomersFixture;
let owner: Principal;
const servers: Server[] = [];

customersPerTest(async (given) => {
  shop = given;
  database = given.database;
  await ensureOwner(database, 'owner password', cheapHashes);
  const [row] = await database.query<{ id: string }>('select id from customers');
  owner = { customerId: row?.id ?? '', email: ownerEmail, role: 'owner' };
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function signUp(email: string, name = 'Ada') {
  const body = { email, name, password: 'long enough' };
  const answer = await shop.ask({ method: 'POST', url: '/api/customers', body });
  expect(answer.statusCode).toBe(201);
  return { id: answer.json().id as string, cookie: cookieOf(answer) };
}

const get = (url: string, as: Principal | null = owner) => shop.ask({ method: 'GET', url, as });

describe('the list of customers', () => {
  test('is for those who run the shop', async () => {
    const customer: Principal = { ...owner, role: 'customer' };
    for (const url of ['/api/admin/customers', '/api/admin/audit-log']) {
      expect((await get(url, null)).statusCode).toBe(401);
      expect((await get(url, customer)).statusCode).toBe(403);
      expect((await get(url, { ...owner, role: 'staff' })).statusCode).toBe(200);
    }
  });

  test('is closed to a session that was signed out of, and to one that lost its role', async () => {
    const body = { email: ownerEmail, password: 'owner password' };
    const cookie = cookieOf(await shop.ask({ method: 'POST', url: '/api/sessions', body }));
    const list = () => shop.ask({ method: 'GET', url: '/api/admin/customers', as: owner, cookie });
    expect((await list()).statusCode).toBe(200);
    await database.query("update customers set role = 'customer'");
    expect((await list()).statusCode).toBe(403);
    await shop.ask({ method: 'DELETE', url: '/api/sessions', cookie });
    expect((await list()).statusCode).toBe(401);
  });

  test('shows everyone once, newest first, over any pages', async () => {
    for (let n = 0; n < 7; n += 1) await signUp(`c${n}@example.com`);
    const seen: string[] = [];
    let next: string | null = null;
    do {
      const after: string = next === null ? '' : `&after=${next}`;
      const page = (await get(`/api/admin/customers?limit=3${after}`)).json();
      seen.push(...page.items.map((each: { email: string }) => each.email));
      next = page.next;
    } while (next !== null);
    const expected = [6, 5, 4, 3, 2, 1, 0].map((n) => `c${n}@example.com`);
    expect(seen).toEqual([...expected, ownerEmail]);
  });

  test('is searched by part of name or address, with wildcards taken literally', async () => {
    await signUp('ada@example.com', 'Ada Lovelace');
    await signUp('bob_x@example.com', '100% Bob');
    const emails = async (search: string) => {
      const url = `/api/admin/customers?search=${encodeURIComponent(search)}`;
      return (await get(url)).json().items.map((each: { email: string }) => each.email);
    };
    expect(await emails('LOVE')).toEqual(['ada@example.com']);
    expect(await emails('example.com')).toEqual(['bob_x@example.com', 'ada@example.com']);
    expect(await emails('%')).toEqual(['bob_x@example.com']);
    expect(await emails('_')).toEqual(['bob_x@example.com']);
    expect(await emails('\\')).toEqual([]);
  });

  test('does not show who was erased', async () => {
    const { cookie } = await signUp('ada@example.com');
    await shop.ask({ method: 'DELETE', url: '/api/customers/me', cookie });
    expect((await get('/api/admin/customers')).json().items).toHaveLength(1);
  });
});

describe('a role', () => {
  test('is changed by the owner alone, noted, and ends the sessions of before', async () => {
    const { id, cookie } = await signUp('ada@example.com');
    const url = `/api/admin/customers/${id}`;
    const body = { role: 'staff' };
    const staff: Principal = { ...owner, role: 'staff' };
    expect((await shop.ask({ method: 'PATCH', url, body, as: staff })).statusCode).toBe(403);
    const answer = await shop.ask({ method: 'PATCH', url, body, as: owner });
    expect([answer.statusCode, answer.json().role]).toEqual([200, 'staff']);
    const me = await shop.ask({ method: 'GET', url: '/api/customers/me', cookie });
    expect(me.statusCode).toBe(401);
    const { items } = (await get('/api/admin/audit-log')).json();
    expect(items).toHaveLength(1);
    expect(items[0]).toMatchObject({
      service: 'customers',
      actor: ownerEmail,
      action: 'customer.role-changed',
      subject: id,
      detail: { from: 'customer', to: 'staff' },
    });
  });

  test('of the owner stays; of nobody is a 404', async () => {
    const patch = (id: string) =>
      shop.ask({
        method: 'PATCH',
        url: `/api/admin/customers/${id}`,
        body: { role: 'customer' },
        as: owner,
      });
    expect((await patch(owner.customerId)).statusCode).toBe(409);
    expect((await patch('0190a000-0000-7000-8000-000000000000')).statusCode).toBe(404);
    expect((await patch('me')).statusCode).toBe(404);
  });
});

/** A service that has a log of its own. Returns the headers of what it is asked. */
async function playService(
  role: string,
  entries: readonly AuditEntry[],
): Promise<readonly IncomingHttpHeaders[]> {
  const asked: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    asked.push(request.headers);
    const query = new URL(request.url ?? '/', 'http://x').searchParams;
    const before = Date.parse(query.get('before') ?? '');
    const items = entries
      .filter((entry) => Date.parse(entry.at) < before)
      .slice(0, Number(query.get('limit')));
    response.end(JSON.stringify({ items }));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { services } = shop.directory.current;
  const instance = { id: role, role, url, state: 'ready', pid: 1, since: '' } as const;
  shop.directory.set({ ...emptyCluster, services: [...services, instance] });
  return asked;
}

function entry(id: number, at: string): AuditEntry {
  return { id: String(id), at, actor: 'a', action: 'x', subject: 's', detail: {} };
}

describe('the audit log', () => {
  test('gathers the logs of all services, newest first, over pages', async () => {
    await playService(
      'catalog',
      [3, 2, 1].map((n) => entry(n, `2024-01-0${n}T00:00:00.000Z`)),
    );
    await playService('orders', [entry(1, '2024-01-02T12:00:00.000Z')]);
    const first = (await get('/api/admin/audit-log?limit=2')).json();
    expect(Value.Errors(AuditLog, first)).toEqual([]);
    const second = (await get(`/api/admin/audit-log?limit=2&after=${first.next}`)).json();
    const keys = [...first.items, ...second.items].map((each) => `${each.service}:${each.id}`);
    expect(keys).toEqual(['catalog:3', 'orders:1', 'catalog:2', 'catalog:1']);
    expect([first.missing, second.next]).toEqual([[], null]);
  });

  test('asks in the name of its request, and no longer than somebody waits', async () => {
    const asked = await playService('orders', []);
    const url = '/api/admin/audit-log';
    const traced = {
      'x-request-id': 'r-1',
      traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`,
    };
    const headers = { ...traced, [timeoutHeader]: '1500' };
    await shop.ask({ method: 'GET', url, as: owner, headers });
    expect(asked[0]).toMatchObject(traced);
    expect(Number(asked[0]?.[timeoutHeader])).toBeLessThanOrEqual(1_500);
  });

  test('names who did it while they have an account, and an id once they were erased', async () => {
    const { id, cookie } = await signUp('staff@example.com');
    const at = '2024-01-02T12:00:00.000Z';
    await playService('orders', [
      { ...entry(1, at), actor: id },
      { ...entry(2, at), actor: 'old@x' },
    ]);
    const actors = async () => {
      const { items } = (await get('/api/admin/audit-log')).json();
      return items
        .filter((each: { service: string }) => each.service === 'orders')
        .map((each: { actor: string }) => each.actor);
    };
    expect(await actors()).toEqual(['staff@example.com', 'old@x']);
    await shop.ask({ method: 'DELETE', url: '/api/customers/me', cookie });
    expect(await actors()).toEqual([id, 'old@x']);
  });

  test('says which service could not be asked', async () => {
    await playService('orders', [entry(1, '2024-01-02T12:00:00.000Z')]);
    const log = (await get('/api/admin/audit-log')).json();
    expect(log.missing).toEqual(['catalog']);
    expect(log.items).toHaveLength(1);
  });

  test('refuses a cursor that is none', async () => {
    for (const after of ['x', '-1', '1e9']) {
      expect((await get(`/api/admin/audit-log?after=${after}`)).statusCode).toBe(422);
      expect((await get(`/api/admin/customers?after=${after}`)).statusCode).toBe(422);
    }
    const url = '/api/admin/audit-log?after=999999999999999,x';
    expect((await get(url)).statusCode).toBe(200);
  });
});
