import { expect, it } from 'vitest';
import { fakeService, fakeShop } from '../../../test/gateway/fake-shop.ts';

it('passes a payment provider’s event on as it is: every byte, with its signature', async () => {
  const received: { signature: unknown; body: Buffer }[] = [];
  await using orders = await fakeService('orders', async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    received.push({ signature: request.headers['stripe-signature'], body: Buffer.concat(chunks) });
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"received":true}');
  });
  await using shop = await fakeShop([orders]);
  const body = '{\n  "id": "evt_1",  "amount": 1.50e3, "name": "Zo\\u00eb 🧸" }\r\n';
  const answer = await fetch(`${shop.url}/api/payments/stripe/webhook`, {
    method: 'POST',
    headers: { 'content-type': 'application/json; charset=utf-8', 'stripe-signature': 't=1,v1=ab' },
    body,
  });
  expect(answer.status).toBe(200);
  expect(received).toEqual([{ signature: 't=1,v1=ab', body: Buffer.from(body) }]);
});
