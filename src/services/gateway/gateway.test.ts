import { once } from 'node:events';
import { type RequestListener, request as rawRequest } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import {
  fakeService,
  fakeShop,
  internalToken,
  publish,
  sessionCookie,
} from '../../../test/gateway/fake-shop.ts';

/** A service that answers with the request that it got. */
function echo(role: string, id?: string) {
  return fakeService(
    role,
    async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const { method, url, headers } = request;
      response.setHeader('content-type', 'application/json');
      response.setHeader('surrogate-key', 'product-1');
      response.setHeader('x-doorbuster-inside', 'yes');
      response.end(
        JSON.stringify({ id: id ?? role, method, url, headers, body: `${Buffer.concat(chunks)}` }),
      );
    },
    id,
  );
}

/** Sends bytes as they are and resolves to everything that came back until the end. */
async function exchangeBytes(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(bytes);
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk.toString('latin1');
  });
  await once(socket, 'close');
  return answer;
}

describe('the way to a service', () => {
  test('a request reaches the owner of its path with the internal credential', async () => {
    await using catalog = await echo('catalog');
    await using orders = await echo('orders');
    await using shop = await fakeShop([catalog, orders]);
    const product = await (await fetch(`${shop.url}/api/products?search=teddy`)).json();
    expect(product).toMatchObject({ id: 'catalog', url: '/api/products?search=teddy' });
    expect(product.headers.authorization).toBe(`Bearer ${internalToken}`);
    expect(product.headers.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    const own = await (await fetch(`${shop.url}/api/customers/me/orders`)).json();
    expect(own.id).toBe('orders');
  });

  test('internal headers are removed in both directions', async () => {
    await using catalog = await echo('catalog');
    await using shop = await fakeShop([catalog]);
    const answer = await fetch(`${shop.url}/api/products`, {
      headers: {
        'x-doorbuster-principal': encodeURIComponent('{"role":"owner"}'),
        authorization: 'Bearer mine',
        'x-forwarded-for': '1.2.3.4',
        'x-doorbuster-timeout-ms': '1',
      },
    });
    const { headers } = await answer.json();
    expect(headers['x-doorbuster-timeout-ms']).toBe('10000'); // the route's own
    expect(headers['x-doorbuster-principal']).toBeUndefined();
    expect(headers.authorization).toBe(`Bearer ${internalToken}`);
    expect(headers['x-forwarded-for']).not.toBe('1.2.3.4');
    expect(answer.headers.get('surrogate-key')).toBeNull();
    expect(answer.headers.get('x-doorbuster-inside')).toBeNull();
    expect(answer.headers.get('x-request-id')).toBe(headers['x-request-id']);
  });

  test('a trace that the client began goes on with a span of our own', async () => {
    await using orders = await echo('orders');
    await using shop = await fakeShop([orders]);
    const trace = '0af7651916cd43dd8448eb211c80319c';
    const answer = await fetch(`${shop.url}/api/orders/7`, {
      headers: { traceparent: `00-${trace}-b7ad6b7169203331-01` },
    });
    const { headers } = await answer.json();
    expect(headers.traceparent).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`));
    expect(headers.traceparent).not.toContain('b7ad6b7169203331');
  });

  test('a session cookie becomes a principal, a forged one a guest', async () => {
    await using customers = await echo('customers');
    await using shop = await fakeShop([customers]);
    const me = `${shop.url}/api/customers/me`;
    const signedIn = await (await fetch(me, { headers: { cookie: await sessionCookie() } })).json();
    expect(JSON.parse(decodeURIComponent(signedIn.headers['x-doorbuster-principal']))).toEqual({
      customerId: 'customer-7',
      email: 'ada@example.com',
      role: 'customer',
      sessionId: expect.any(String),
    });
    expect(signedIn.headers.cookie).toBeUndefined();
    const cookie = (await sessionCookie({ role: 'owner' })).replace(/.{4}$/, 'AAAA');
    const forged = await (await fetch(me, { headers: { cookie } })).json();
    expect(forged.headers['x-doorbuster-principal']).toBeUndefined();
  });

  test('a body arrives complete', async () => {
    await using customers = await echo('customers');
    await using shop = await fakeShop([customers]);
    const answer = await fetch(`${shop.url}/api/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'ä@example.com' }),
    });
    expect(JSON.parse((await answer.json()).body)).toEqual({ email: 'ä@example.com' });
  });

  test('purchases and checkouts are answered by the gateway, not by a service', async () => {
    await using shop = await fakeShop([]);
    const text = async (path: string, method = 'GET') =>
      (await fetch(shop.url + path, { method })).text();
    expect(await text('/api/orders', 'POST')).toBe('buy');
    expect(await text('/api/checkouts/abc')).toBe('checkout');
    expect(await text('/api/checkouts/abc/events')).toBe('checkout-events');
  });
});

describe('refusals', () => {
  test.each([
    ['GET', '/api/nothing', 404],
    ['GET', '/metrics', 404],
    ['GET', '/%6detrics', 404],
    ['GET', '/internal/reserve', 404],
    ['GET', '/readyz', 404],
    ['GET', '/api/orders', 405],
    ['POST', '/products/teddy', 405],
    ['GET', '/api/docs/package.json', 404],
    ['PATCH', '/api/sessions', 405],
    ['GET', '/%E0%A4%A', 400],
    ['GET', '/a/..%2finternal', 400],
  ])('%s %s is %i, as a problem document', async (method, path, status) => {
    await using storefront = await echo('storefront');
    await using shop = await fakeShop([storefront]);
    const answer = await fetch(shop.url + path, { method });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect((await answer.json()).status).toBe(status);
    if (status === 405)
      expect(answer.headers.get('allow')).toMatch(/^(POST|POST, DELETE|GET, HEAD)$/);
  });

  test.each([
    [{ origin: 'https://evil.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-origin' }, 200],
    [{}, 200],
  ])('a write from %o is %i', async (headers, status) => {
    await using customers = await echo('customers');
    await using shop = await fakeShop([customers]);
    const answer = await new Promise<number | undefined>((resolve, reject) => {
      const sent = rawRequest(`${shop.url}/api/sessions`, { method: 'POST', headers });
      sent.on('response', (response) => resolve(response.resume().statusCode)).on('error', reject);
      sent.end('{}');
    });
    expect(answer).toBe(status);
  });

  test('a body beyond its limit is 413, announced or not', async () => {
    await using customers = await echo('customers');
    await using shop = await fakeShop([customers]);
    const large = 'x'.repeat(70_000);
    const announced = await fetch(`${shop.url}/api/sessions`, { method: 'POST', body: large });
    expect(announced.status).toBe(413);
    const lines = ['POST /api/sessions HTTP/1.1', 'host: a', 'connection: close'];
    const head = `${lines.join('\r\n')}\r\ntransfer-encoding: chunked\r\n\r\n`;
    const chunk = `${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`;
    expect(await exchangeBytes(shop.port, head + chunk)).toMatch(/^HTTP\/1.1 413 /);
  });

  test.each([
    ['too many header bytes', `GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 431],
    ['too many header lines', `GET / HTTP/1.1\r\nhost: a\r\n${'x: y\r\n'.repeat(150)}\r\n`, 431],
    ['no host', 'GET / HTTP/1.1\r\nconnection: close\r\n\r\n', 400],
    ['two hosts', 'GET / HTTP/1.1\r\nhost: a\r\nHost: a\r\nconnection: close\r\n\r\n', 400],
    ['a host that is none', 'GET / HTTP/1.1\r\nhost: a/@b\r\nconnection: close\r\n\r\n', 400],
    ['not HTTP', 'hello\r\n\r\n', 400],
    [
      'two lengths',
      'POST /api/sessions HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab',
      400,
    ],
    [
      'length and chunks',
      'POST /api/sessions HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n' +
        'transfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['a forward proxy', 'CONNECT a:80 HTTP/1.1\r\nhost: a\r\n\r\n', 405],
    ['an absolute target', 'GET http://b/ HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n', 400],
  ])('%s', async (_name, bytes, status) => {
    await using shop = await fakeShop([]);
    expect(await exchangeBytes(shop.port, bytes)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  });
});

describe('when services fail', () => {
  test('without a ready instance it is 503 with Retry-After, for people as a page', async () => {
    await using shop = await fakeShop([]);
    const data = await fetch(`${shop.url}/api/products`);
    expect([data.status, data.headers.get('retry-after')]).toEqual([503, '1']);
    const page = await fetch(`${shop.url}/products/x`, { headers: { accept: 'text/html' } });
    expect(page.status).toBe(503);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await page.text()).toContain('this page tries again by itself');
  });

  test('a read whose connection breaks is answered by another instance', async () => {
    await using broken = await fakeService('catalog', (request) => request.socket.destroy(), 'a');
    await using well = await echo('catalog', 'b');
    await using shop = await fakeShop([broken, well]);
    for (let i = 0; i < 10; i += 1) {
      const answer = await fetch(`${shop.url}/api/products/${i}`);
      expect([answer.status, (await answer.json()).id]).toEqual([200, 'b']);
    }
  });

  test('a write whose connection breaks is 502, and never repeated', async () => {
    let asked = 0;
    const breakOff = (id: string) =>
      fakeService(
        'customers',
        (request) => {
          asked += 1;
          request.socket.destroy();
        },
        id,
      );
    await using one = await breakOff('a');
    await using two = await breakOff('b');
    await using shop = await fakeShop([one, two]);
    const answer = await fetch(`${shop.url}/api/sessions`, { method: 'POST', body: '{}' });
    expect([answer.status, asked]).toEqual([502, 1]);
  });

  test('a write whose connection was refused goes to another instance', async () => {
    const gone = await echo('customers', 'gone');
    await gone[Symbol.asyncDispose]();
    await using well = await echo('customers', 'well');
    await using shop = await fakeShop([gone, well]);
    for (let i = 0; i < 10; i += 1) {
      const answer = await fetch(`${shop.url}/api/sessions`, { method: 'POST', body: '{}' });
      expect((await answer.json()).id).toBe('well');
    }
  });

  test('half an answer is a broken connection, not a complete one', async () => {
    const half: RequestListener = (_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    };
    await using storefront = await fakeService('storefront', half);
    await using orders = await fakeService('orders', half);
    await using shop = await fakeShop([storefront, orders]);
    const passedOn = await fetch(`${shop.url}/api/orders/1`);
    await expect(passedOn.text()).rejects.toThrow();
    expect((await fetch(`${shop.url}/`)).status).toBe(502); // gathered before it is passed on
  });

  test('a service stops working for a client that left in the middle of an answer', async () => {
    const { promise: left, resolve: onLeft } = Promise.withResolvers<void>();
    await using orders = await fakeService('orders', (_request, response) => {
      response.on('close', onLeft);
      response.writeHead(200, { 'content-length': '100' });
      response.write('half');
    });
    await using shop = await fakeShop([orders]);
    const leaving = new AbortController();
    const answer = await fetch(`${shop.url}/api/orders/1`, { signal: leaving.signal });
    expect(answer.status).toBe(200);
    leaving.abort();
    await left;
  });

  test('an instance that left the directory ends its open answer, and gets no other', async () => {
    const { promise: asked, resolve: arrived } = Promise.withResolvers<void>();
    const { promise: go, resolve: finish } = Promise.withResolvers<void>();
    await using old = await fakeService(
      'orders',
      async (_request, response) => {
        arrived();
        await go;
        response.end('old');
      },
      'old',
    );
    await using fresh = await echo('orders', 'fresh');
    await using shop = await fakeShop([old]);
    const open = fetch(`${shop.url}/api/orders/1`);
    await asked;
    publish(shop.directory, [fresh]);
    expect((await (await fetch(`${shop.url}/api/orders/2`)).json()).id).toBe('fresh');
    finish();
    expect(await (await open).text()).toBe('old');
  });
});

test('a draining gateway ends open answers and takes no new connection', async () => {
  const { promise: asked, resolve: arrived } = Promise.withResolvers<void>();
  const { promise: go, resolve: finish } = Promise.withResolvers<void>();
  await using orders = await fakeService('orders', async (_request, response) => {
    arrived();
    await go;
    response.end('done');
  });
  await using shop = await fakeShop([orders]);
  const open = fetch(`${shop.url}/api/orders/1`);
  await asked;
  const drained = shop.drain();
  await expect(fetch(`${shop.url}/healthz`)).rejects.toThrow();
  finish();
  expect(await (await open).text()).toBe('done');
  await drained;
});

describe('the contract', () => {
  test('is published with the page to try it at', async () => {
    await using shop = await fakeShop([]);
    const contract = await fetch(`${shop.url}/api/openapi.json`);
    expect((await contract.json()).paths['/api/orders'].post.operationId).toBe('postApiOrders');
    const page = await fetch(`${shop.url}/api/docs`);
    expect(page.headers.get('content-security-policy')).not.toContain('unsafe');
    const text = await page.text();
    const files = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => file);
    expect(files.length).toBe(5);
    for (const file of files) {
      const answer = await fetch(shop.url + file);
      expect([file, answer.status]).toEqual([file, 200]);
      await answer.arrayBuffer();
    }
  });

  test('answers OPTIONS with the methods of an address', async () => {
    await using shop = await fakeShop([]);
    const answer = await fetch(`${shop.url}/api/carts/mine`, { method: 'OPTIONS' });
    expect([answer.status, answer.headers.get('allow')]).toEqual([204, 'GET, HEAD']);
  });
});

test('the access log names routes, never addresses, cookies or tokens', async () => {
  await using orders = await fakeService('orders', (_request, response) => {
    response.writeHead(500).end();
  });
  await using shop = await fakeShop([orders]);
  const cookie = await sessionCookie();
  await (
    await fetch(`${shop.url}/api/orders/private?token=secret`, { headers: { cookie } })
  ).text();
  await expect.poll(() => shop.log.length).toBeGreaterThan(0);
  const text = JSON.stringify(shop.log);
  expect(shop.log[0]).toMatchObject({ route: '/api/orders', status: 500, by: 'orders-1' });
  expect(text).not.toMatch(/private|secret|session=|ada@/);
});
