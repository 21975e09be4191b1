import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { localClient } from '../../../../test/gateway/fake-shop.ts';
import { placed } from '../../../../test/queue/sample-checkout.ts';
import { outcomeLine } from '../../../api/purchase-answer.ts';
import { emptyCluster, StaticDirectory } from '../../../kit/cluster/directory.ts';
import type { CallOptions, InternalClient } from '../../../kit/http/internal-client.ts';
import { pathOf, type Route } from '../../../kit/http/route.ts';
import type { NewCheckout } from '../../../queue/purchase-queue.ts';
import { answerProblem } from '../answer/answers.ts';
import { StockBoard } from '../cache/stock-board.ts';
import { PurchaseHandler } from './purchase-handler.ts';

const id = '01a21a6f-122a-7000-9224-67899e82d786';
const trace = '0af7651916cd43dd8448eb211c80319c';

/** Answers of the other services, by path. */
type Answers = Record<string, (options: CallOptions, path: string) => unknown>;

/** The handler behind HTTP, and the services that it asks as functions. */
async function open(answers: Answers) {
  const asked: { readonly path: string; readonly options: CallOptions }[] = [];
  const outcomes = new PassThrough();
  const client = {
    call: async (route: Route, options: CallOptions = {}) => {
      const path = pathOf(route, options.params);
      asked.push({ path, options });
      return answers[path]?.(options, path) ?? {};
    },
    stream: async () => outcomes,
  } as unknown as InternalClient;
  const services = [
    { id: 'orders-1', role: 'orders', url: 'http://orders-1', state: 'ready', pid: 1, since: '' },
  ] as const;
  const stock = new StockBoard(
    async () => [{ sku: 'BEAR-S', available: 5, version: 1 }],
    () => true,
  );
  const handler = new PurchaseHandler({
    directory: new StaticDirectory({ ...emptyCluster, revision: 1, services: [...services] }),
    client,
    gatewayId: 'gateway-1',
    stock,
    expiryMs: 60_000,
    queueSecondsMax: 60,
    limitsClients: true,
    onDefect: (error) => expect.unreachable(String(error)),
  });
  const server = createServer((request, response) => {
    const visitor = { requestId: 'r-1', principal: null, client: localClient };
    try {
      if (request.method === 'POST') handler.buy(request, response, visitor);
      else if (request.url?.endsWith('/events')) handler.checkoutEvents(request, response, visitor);
      else handler.checkout(request, response, visitor);
    } catch (error) {
      answerProblem(request, response, error as never);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await handler.close();
    outcomes.end();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const buy = (what: object, key: string = randomUUID()) =>
    fetch(`${url}/api/orders`, {
      method: 'POST',
      headers: { 'idempotency-key': key, 'content-type': 'application/json' },
      body: JSON.stringify({
        ...what,
        email: 'ada@example.com',
        shippingAddress: { name: 'Ada', line1: '1', city: 'X', postalCode: '1', country: 'GB' },
        payment: { method: 'test', token: 'tok_ok' },
      }),
    });
  const sendOutcome = (checkoutId: string) =>
    outcomes.write(`${outcomeLine(checkoutId, 7, 'token', placed)}\n`);
  const callsOf = (path: string) => asked.filter((each) => each.path === path);
  return { url, buy, sendOutcome, callsOf };
}

const lines = [{ sku: 'BEAR-S', quantity: 1 }];

/** An orders service that accepts all, and calls back with what it accepted. */
const accepting =
  (onAccepted: (checkout: NewCheckout) => void) =>
  ({ rawBody = '' }: CallOptions) => {
    const batch: NewCheckout[] = JSON.parse(String(rawBody));
    for (const each of batch) setImmediate(() => onAccepted(each));
    return { fresh: batch.map((each, at) => [each.id, at + 1]), others: [] };
  };

describe('POST /api/orders', () => {
  it('is accepted by the orders service, and answered with its streamed outcome', async () => {
    const accepted: NewCheckout[] = [];
    const shop = await open({
      '/internal/intake': accepting((checkout) => {
        accepted.push(checkout);
        shop.sendOutcome(checkout.id);
      }),
    });
    const answer = await shop.buy({ lines });
    expect([answer.status, answer.headers.get('location')]).toEqual([201, '/api/orders/7']);
    expect(accepted).toMatchObject([{ customer: null, request: { lines } }]);
    expect(await answer.json()).toMatchObject({ number: '7', checkoutId: accepted[0]?.id });
  });

  it('with a key that was accepted before waits for the outcome of the first', async () => {
    const shop = await open({
      '/internal/intake': ({ rawBody = '' }) => {
        const batch: NewCheckout[] = JSON.parse(String(rawBody));
        return {
          fresh: [],
          others: batch.map((each) => ({ id: each.id, kind: 'repeated', first: id, seq: 3 })),
        };
      },
      '/internal/waits': ({ body }) => {
        const { ids } = body as { ids: string[] };
        if (ids.includes(id)) setImmediate(() => shop.sendOutcome(id));
      },
    });
    const answer = await shop.buy({ lines });
    expect(await answer.json()).toMatchObject({ number: '7', checkoutId: id });
  });

  it('whose intake is never answered is not taken for new when it is asked again', async () => {
    const shop = await open({
      '/internal/keys': () => ({ keys: [], last: '' }),
      '/internal/known-keys': () => ({ known: [{ id, kind: 'repeated', first: id, seq: 3 }] }),
      '/internal/intake': ({ rawBody = '' }) => {
        const [first] = JSON.parse(String(rawBody));
        setImmediate(() => shop.sendOutcome(first.id));
        return new Promise(() => {});
      },
    });
    const unknown = { lines: [{ sku: 'NONE', quantity: 1 }] };
    const key = randomUUID();
    expect((await shop.buy({ lines }, key)).status).toBe(201);
    expect((await shop.buy(unknown)).status).toBe(422); // of a new key nobody is asked
    expect(shop.callsOf('/internal/known-keys')).toEqual([]);
    void shop.buy(unknown, key).catch(() => {}); // goes to the queue, which does not answer
    await vi.waitFor(() => expect(shop.callsOf('/internal/known-keys')).toHaveLength(1));
  });

  it('of a cart buys what the cart holds', async () => {
    const accepted: NewCheckout[] = [];
    const shop = await open({
      '/internal/carts': ({ body }) => ({
        carts: (body as { ids: string[] }).ids.map(() => ({ customerId: null, lines })),
      }),
      '/internal/intake': accepting((checkout) => {
        accepted.push(checkout);
        shop.sendOutcome(checkout.id);
      }),
    });
    expect((await shop.buy({ cartId: 'secret' })).status).toBe(201);
    expect(accepted).toMatchObject([{ request: { lines } }]);
  });

  it('for a SKU that is not sold asks whether its key was accepted, and then refuses', async () => {
    const shop = await open({ '/internal/known-keys': () => ({ known: [] }) });
    const answer = await shop.buy({ lines: [{ sku: 'NONE', quantity: 1 }] });
    expect(answer.status).toBe(422);
    expect(shop.callsOf('/internal/intake')).toEqual([]);
  });
});

describe('GET /api/checkouts/{id}', () => {
  it('passes on the id and the trace of its request', async () => {
    const path = `/internal/checkouts/${id}`;
    const shop = await open({ [path]: () => ({ id, state: 'placed' }) });
    const headers = { traceparent: `00-${trace}-b7ad6b7169203331-01` };
    const answer = await fetch(`${shop.url}/api/checkouts/${id}`, { headers });
    expect(await answer.json()).toEqual({ id, state: 'placed' });
    expect(shop.callsOf(path)[0]?.options.headers).toEqual({
      'x-request-id': 'r-1',
      traceparent: expect.stringMatching(new RegExp(`^00-${trace}-(?!b7ad)[0-9a-f]{16}-01$`)),
    });
  });

  it('answers with the place in the queue while it is undecided', async () => {
    const shop = await open({
      [`/internal/checkouts/${id}`]: () => ({ id, state: 'queued', seq: 9 }),
    });
    const answer = await fetch(`${shop.url}/api/checkouts/${id}`);
    expect(await answer.json()).toEqual({ id, state: 'queued', position: 1, etaSeconds: 1 });
  });

  it('is 404 for what is not an id of a checkout', async () => {
    const shop = await open({});
    expect((await fetch(`${shop.url}/api/checkouts/1`)).status).toBe(404);
    expect((await fetch(`${shop.url}/api/checkouts/1/events`)).status).toBe(404);
  });
});

it('the events of a checkout end with its outcome, and seldom look it up', async () => {
  let isDecided = false;
  const path = `/internal/checkouts/${id}`;
  const shop = await open({
    [path]: () => (isDecided ? { id, state: 'placed' } : { id, state: 'queued', seq: 9 }),
    '/internal/waits': () => {
      isDecided = true;
      setImmediate(() => shop.sendOutcome(id));
    },
  });
  const answer = await fetch(`${shop.url}/api/checkouts/${id}/events`);
  const states = [...(await answer.text()).matchAll(/"state":"(\w+)"/g)].map(([, state]) => state);
  expect(states).toEqual(['queued', 'placed']);
  expect(shop.callsOf(path)).toHaveLength(2);
});

it('a client has a bounded number of event streams open at a time', async () => {
  const shop = await open({
    [`/internal/checkouts/${id}`]: () => ({ id, state: 'queued', seq: 9 }),
  });
  const abort = new AbortController();
  const follow = () => fetch(`${shop.url}/api/checkouts/${id}/events`, { signal: abort.signal });
  const answers = await Promise.all(Array.from({ length: 100 }, follow));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  const refused = await follow();
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5']);
  abort.abort();
});
