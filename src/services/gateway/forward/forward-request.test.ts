import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { fakeService, fakeShop } from '../../../../test/gateway/fake-shop.ts';

test('an upload that breaks off at once affects no other request', async () => {
  await using catalog = await fakeService('catalog', (request, response) => {
    request.on('error', () => {}).resume();
    request.on('end', () => response.end('{}'));
  });
  await using shop = await fakeShop([catalog]);
  const head =
    'POST /api/admin/products/import HTTP/1.1\r\nhost: x\r\ncontent-type: text/csv\r\n' +
    'content-length: 100000\r\n\r\nHandle,Title\n';
  const broken = Array.from({ length: 50 }, () => {
    return new Promise<void>((resolve) => {
      const socket = connect(shop.port, '127.0.0.1', () => {
        socket.write(head, () => socket.resetAndDestroy());
      });
      socket.on('error', () => {}).on('close', () => resolve());
    });
  });
  await Promise.all(broken);
  expect((await fetch(`${shop.url}/healthz`)).status).toBe(200);
  await expect.poll(() => shop.balancer.inFlight('catalog')).toBe(0);
});

test('a request that was not sent, since its pool closed, goes to another instance', async () => {
  const received: string[] = [];
  const orders = (id: string) =>
    fakeService(
      'orders',
      (request, response) => {
        received.push(`${id} ${request.method}`);
        response.end('{}');
      },
      id,
    );
  await using leaving = await orders('orders-1');
  await using staying = await orders('orders-2');
  await using shop = await fakeShop([leaving, staying]);
  const picked = shop.balancer.pick('orders', []);
  await picked?.pool.close();
  const ask = () => fetch(`${shop.url}/api/payments/stripe/webhook`, { method: 'POST', body: 'x' });
  const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await ask()).status));
  expect(new Set(statuses)).toEqual(new Set([200]));
  const other = picked?.instance.id === leaving.id ? staying.id : leaving.id;
  expect(received).toEqual(Array.from({ length: 20 }, () => `${other} POST`));
});
