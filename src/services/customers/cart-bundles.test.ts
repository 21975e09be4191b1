/** Calls in a bundle get the same answers as single calls. */
import { expect, test } from 'vitest';
import {
  type CustomersFixture,
  customersPerTest,
  offerOf,
} from '../../../test/customers/customers-fixture.ts';
import { AnswerReader, type BundledCall, bundlePath } from '../../kit/http/call-wire.ts';
import { encodePrincipal, type Principal, principalHeader } from '../../kit/http/principal.ts';

let shop: CustomersFixture;

customersPerTest((given) => {
  shop = given;
  shop.sell(offerOf('BEAR'), offerOf('DUCK', { price: { amount: 500, currency: 'USD' } }));
});

interface Given {
  readonly method?: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly body?: string;
  readonly as?: Principal;
}

function headersOf({ as }: Given): Record<string, string> {
  return as === undefined ? {} : { [principalHeader]: encodePrincipal(as) };
}

interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

async function bundled(calls: readonly Given[]): Promise<Answered[]> {
  const body = calls.map((call): BundledCall => {
    const { method = 'GET', path, body } = call;
    return { method, path, headers: headersOf(call), ...(body !== undefined && { body }) };
  });
  const answer = await shop.ask({ method: 'POST', url: bundlePath, body });
  const answers: Answered[] = [];
  for (const each of new AnswerReader().read(answer.rawPayload)) {
    const { index, status, headers, body } = each;
    answers[index] = { status, headers, body: JSON.parse(body.toString()) };
  }
  return answers;
}

async function single(call: Given): Promise<Answered> {
  const { method = 'GET', path: url, body } = call;
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  const headers = { ...headersOf(call), ...type };
  const sent = { method, url, headers, ...(body !== undefined && { rawBody: body }) };
  const { statusCode: status, headers: given, ...answer } = await shop.ask(sent);
  const { 'content-length': _length, date: _date, connection: _connection, ...kept } = given;
  return { status, headers: kept, body: answer.json() };
}

const unknownCart = '0'.repeat(32);
const put = (id: string, sku: string, body: string): Given => {
  return { method: 'PUT', path: `/api/carts/${id}/lines/${sku}`, body };
};

async function newCart(as?: Principal): Promise<string> {
  const call: Given = { method: 'POST', path: '/api/carts', body: '{}', ...(as && { as }) };
  const [first] = await bundled([call]);
  expect(first).toMatchObject({ status: 201, headers: { 'cache-control': 'no-store' } });
  const { id } = (first as Answered).body as { id: string };
  expect(first?.headers['location']).toBe(`/api/carts/${id}`);
  return id;
}

async function signUp(email: string): Promise<Principal> {
  const body = { email, password: 'long enough', name: 'Ada' };
  const answer = await shop.ask({ method: 'POST', url: '/api/customers', body });
  expect(answer.statusCode).toBe(201);
  return { customerId: answer.json().id, email, role: 'customer' };
}

test('what is asked, put and refused in one bundle gets the answers of single calls', async () => {
  const ada = await signUp('ada@example.com');
  const [mine, others, full] = [await newCart(), await newCart(ada), await newCart()];
  await single(put(mine, 'BEAR', '{"quantity":2}'));
  const calls: readonly Given[] = [
    { path: `/api/carts/${mine}` },
    { path: `/api/carts/${full}` },
    { path: '/api/carts/mine', as: ada },
    { path: '/api/carts/mine' },
    { path: `/api/carts/${others}` },
    { path: `/api/carts/${others}`, as: ada },
    { path: `/api/carts/${unknownCart}` },
    { path: `/api/carts/${'x'.repeat(101)}` },
    { path: '/api/carts/' },
    put(mine, 'BEAR', '{"quantity":2}'),
    put(mine, 'GOOSE', '{"quantity":2}'),
    put(mine, 'BEAR', '{"quantity":"2"}'),
    put(mine, 'BEAR', '{"quantity":2,"more":1}'),
    put(mine, 'BEAR', '{"quantity":'),
    put(mine, 'BEAR', '{"quantity":2,"__proto__":{"quantity":3}}'),
    put(mine, 'BEAR', ''),
    put(mine, 'B'.repeat(256), '{"quantity":2}'),
    put(unknownCart, 'BEAR', '{"quantity":2}'),
    put(others, 'BEAR', '{"quantity":2}'),
    { method: 'POST', path: `/api/carts/${mine}/claim` },
  ];
  const singly = await Promise.all(calls.map(single));
  expect(await bundled(calls)).toEqual(singly);
  expect(new Set(singly.map(({ status }) => status))).toEqual(new Set([200, 400, 401, 404, 422]));
});

test('the edits of one bundle are all kept, those of one cart in their order', async () => {
  const [first, second] = [await newCart(), await newCart()];
  const answers = await bundled([
    put(first, 'BEAR', '{"quantity":1}'),
    put(second, 'DUCK', '{"quantity":4}'),
    put(first, 'DUCK', '{"quantity":2}'),
    put(first, 'BEAR', '{"quantity":3}'),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  const [one, two] = await bundled([
    { path: `/api/carts/${first}` },
    { path: `/api/carts/${second}` },
  ]);
  const lines = [
    { sku: 'BEAR', quantity: 3 },
    { sku: 'DUCK', quantity: 2 },
  ];
  expect(one?.body).toMatchObject({ lines });
  expect(two?.body).toMatchObject({ lines: [{ sku: 'DUCK', quantity: 4 }] });
});
