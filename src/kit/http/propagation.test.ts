import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { Directory } from '../cluster/directory.ts';
import { openInternalClient } from './internal-client.ts';
import { propagatedFrom, timeoutHeader } from './propagation.ts';

const route = { role: 'catalog', method: 'GET', path: '/x' } as const;
const asked = {
  'x-request-id': 'r-1',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  cookie: 'private=1',
};

async function catalogThat(answers: boolean) {
  const received: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    received.push(request.headers);
    if (answers) response.end('{}');
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const instance = { id: 'catalog-1', role: 'catalog', url: `http://127.0.0.1:${port}` };
  const directory = { instances: () => [instance], onChange: () => () => {} };
  const client = openInternalClient(directory as unknown as Directory, 'secret');
  onTestFinished(async () => {
    await client.close();
    server.closeAllConnections();
    server.close();
  });
  return { client, received };
}

test('id, trace and time left go on with a question, and nothing else of the request', async () => {
  const { client, received } = await catalogThat(true);
  const propagated = propagatedFrom({ headers: { ...asked, [timeoutHeader]: '2000' } });
  await client.call(route, { propagated, deadlineMs: 60_000 });
  expect(received[0]).toMatchObject({
    'x-request-id': asked['x-request-id'],
    traceparent: asked.traceparent,
  });
  expect(received[0]).not.toHaveProperty('cookie');
  const left = Number(received[0]?.[timeoutHeader]);
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThanOrEqual(2_000);
});

test('its own deadline holds where the caller waits longer, or did not say', async () => {
  const { client, received } = await catalogThat(true);
  const patient = propagatedFrom({ headers: { [timeoutHeader]: '60000' } });
  await client.call(route, { propagated: patient, deadlineMs: 700 });
  const silent = propagatedFrom({ headers: asked });
  await client.call(route, { propagated: silent, deadlineMs: 800 });
  await client.call(route, { deadlineMs: 900 });
  expect(received.map((headers) => headers[timeoutHeader])).toEqual(['700', '800', '900']);
});

test('nobody is asked for a caller that has stopped waiting', async () => {
  const { client, received } = await catalogThat(true);
  const propagated = propagatedFrom({ headers: { [timeoutHeader]: '50' } }, performance.now() - 51);
  await expect(client.call(route, { propagated })).rejects.toMatchObject({
    body: { status: 503, detail: 'catalog: the time limit is over' },
  });
  expect(received).toEqual([]);
});

test('a question ends when the time of its caller does', async () => {
  const { client } = await catalogThat(false);
  const propagated = propagatedFrom({ headers: { [timeoutHeader]: '50' } });
  const question = client.call(route, { propagated, deadlineMs: 600_000 });
  await expect(question).rejects.toMatchObject({
    body: { status: 503, detail: 'catalog: did not answer in time' },
  });
});

test.each(['', '-5', '1e3', 'soon', '99999999999'])('a time of "%s" says nothing', (time) => {
  const { endsAt } = propagatedFrom({ headers: { [timeoutHeader]: time } });
  expect(endsAt).toBe(Number.POSITIVE_INFINITY);
});
