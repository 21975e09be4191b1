/** Whatever is sent: a clear 4xx problem, never a 500, and nothing stored. */
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Ask,
  CustomersFixture,
  cookieOf,
  offerOf,
} from '../../../test/customers/customers-fixture.ts';
import { type PostgresFixture, startPostgres } from '../../../test/postgres-fixture.ts';

let postgres: PostgresFixture;
let shop: CustomersFixture;
let cookie: string | null;
let cartId: string;

beforeAll(async () => {
  postgres = await startPostgres();
  const migrations = path.join(import.meta.dirname, 'migrations');
  shop = new CustomersFixture(await postgres.createDatabase(migrations));
  shop.sell(offerOf('BEAR'));
  const body = { email: 'ada@example.com', password: 'long enough', name: 'Ada' };
  cookie = cookieOf(await shop.ask({ method: 'POST', url: '/api/customers', body }));
  cartId = (await shop.ask({ method: 'POST', url: '/api/carts' })).json().id;
});
afterAll(async () => {
  await shop.close();
  await postgres.stop();
});

async function expectProblem(ask: Ask): Promise<void> {
  const answer = await shop.ask(ask);
  const said = `${ask.method} ${ask.url} ${answer.body}`;
  expect(answer.statusCode, said).toBeGreaterThanOrEqual(400);
  expect(answer.statusCode, said).toBeLessThan(500);
  expect(answer.headers['content-type']).toMatch('application/problem+json');
  const problem = answer.json();
  expect(problem.status).toBe(answer.statusCode);
  expect(problem.title.length).toBeGreaterThan(0);
}

const sink = (): Pick<Ask, 'method' | 'url' | 'cookie'>[] => [
  { method: 'POST', url: '/api/customers' },
  { method: 'POST', url: '/api/sessions' },
  { method: 'PATCH', url: '/api/customers/me', cookie },
  { method: 'PUT', url: `/api/carts/${cartId}/lines/BEAR` },
];

describe('bodies that are not what they should be', () => {
  const json = { 'content-type': 'application/json' };

  test('broken, empty or foreign ones are refused', async () => {
    const texts = ['', '{', '[]', 'null', '5', '"x"', '{"__proto__": 1}', '\u0000', '{}', '[[[['];
    for (const target of sink()) {
      for (const rawBody of texts) await expectProblem({ ...target, rawBody, headers: json });
      const xml = { 'content-type': 'application/xml' };
      await expectProblem({ ...target, rawBody: '<a/>', headers: xml });
    }
  });

  test('any JSON value is refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (body) => {
        for (const target of sink()) await expectProblem({ ...target, body });
      }),
      { numRuns: 60 },
    );
  });

  test('fields of a wrong kind, empty, too long or unknown are refused, each by name', async () => {
    const good = { email: 'b@example.com', password: 'long enough', name: 'B' };
    const bad: [string, unknown][] = [
      ...[
        5,
        null,
        true,
        ['b@example.com'],
        '',
        'b',
        '@',
        'a@',
        `a@${'b'.repeat(300)}`,
        'a b@c',
        'ada@example,com',
        'a\u0000@example.com',
      ].map((value): [string, unknown] => ['email', value]),
      ...[12345678, null, 'short', '', ' '.repeat(8), 'x'.repeat(201)].map(
        (value): [string, unknown] => ['password', value],
      ),
      ...[null, '', ' ', '\u3164', 'x'.repeat(201), 'a\u0000b', 'a\nb', '\u202eadA'].map(
        (value): [string, unknown] => ['name', value],
      ),
      ['role', 'owner'],
    ];
    for (const [field, value] of bad) {
      const body = { ...good, [field]: value };
      const answer = await shop.ask({ method: 'POST', url: '/api/customers', body });
      expect([field, value, answer.statusCode]).toEqual([field, value, 422]);
      const paths = answer.json().errors.map((each: { path: string }) => each.path);
      expect(paths).toContain(`body/${field}`);
    }
    const { email: _email, ...missing } = good;
    const answer = await shop.ask({ method: 'POST', url: '/api/customers', body: missing });
    expect(answer.json().errors[0].message).toContain('email');
  });

  test('an e-mail address that no account can have is refused at the sign-in, too', async () => {
    for (const email of ['a\u0000@example.com', 'a\n@example.com', '']) {
      const body = { email, password: 'long enough' };
      const answer = await shop.ask({ method: 'POST', url: '/api/sessions', body });
      expect([email, answer.statusCode]).toEqual([email, 422]);
    }
  });

  test('an empty JSON body is no body, where none is needed', async () => {
    for (const ask of [
      { method: 'POST', url: '/api/carts' },
      { method: 'DELETE', url: '/api/sessions' },
    ] as const) {
      const answer = await shop.ask({ ...ask, rawBody: '', headers: json });
      expect(answer.statusCode).toBeLessThan(300);
    }
  });
});

describe('addresses that are not what they should be', () => {
  test('any SKU is unknown or refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', minLength: 1, maxLength: 300 }), async (sku) => {
        fc.pre(sku !== 'BEAR' && sku.isWellFormed() && !/^\.{1,2}$/.test(sku));
        const url = `/api/carts/${cartId}/lines/${encodeURIComponent(sku)}`;
        await expectProblem({ method: 'PUT', url, body: { quantity: 1 } });
      }),
      { numRuns: 100 },
    );
  });

  test('any cart id is unknown', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }), async (id) => {
        fc.pre(id.isWellFormed() && !/^\.{1,2}$/.test(id) && id !== 'mine');
        const url = `/api/carts/${encodeURIComponent(id)}`;
        await expectProblem({ method: 'GET', url });
        await expectProblem({ method: 'PUT', url: `${url}/lines/BEAR`, body: { quantity: 1 } });
      }),
      { numRuns: 100 },
    );
  });

  test('queries out of range are refused', async () => {
    const [row] = await shop.database.query<{ id: string }>(
      "update customers set role = 'staff' returning id",
    );
    const as = { customerId: row?.id ?? '', email: 'ada@example.com', role: 'staff' } as const;
    for (const query of ['limit=0', 'limit=101', 'limit=x', 'search=%00', 'after=%00']) {
      await expectProblem({ method: 'GET', url: `/api/admin/customers?${query}`, as });
    }
  });

  test('a principal that cannot be read is a guest', async () => {
    for (const value of [
      '%',
      '{',
      'null',
      '[]',
      '%7B%7D',
      encodeURIComponent('{"role":"owner"}'),
    ]) {
      const headers = { 'x-doorbuster-principal': value };
      const answer = await shop.ask({ method: 'GET', url: '/api/admin/customers', headers });
      expect(answer.statusCode).toBe(401);
    }
  });
});

test('nothing of all this was stored', async () => {
  const [counts] = await shop.database.query<{ customers: number; carts: number }>(`
    select (select count(*)::integer from customers) as customers,
      (select count(*)::integer from carts) as carts`);
  expect(counts).toEqual({ customers: 1, carts: 0 });
});
