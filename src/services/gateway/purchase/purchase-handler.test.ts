import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { type Directory, emptyCluster } from '../../../kit/cluster/directory.ts';
import type { CallOptions, InternalClient } from '../../../kit/http/internal-client.ts';
import { PurchaseHandler } from './purchase-handler.ts';

const id = '01a21a6f-122a-7000-9224-67899e82d786';
const trace = '0af7651916cd43dd8448eb211c80319c';

test('a look-up of a checkout asks in the name of its request, and goes on with its trace', async () => {
  const asked: [path: string, options: CallOptions][] = [];
  const client = {
    call: async (_role: string, path: string, options: CallOptions = {}) => {
      asked.push([path, options]);
      return { id, state: 'placed' };
    },
  } as unknown as InternalClient;
  const directory = {
    current: emptyCluster,
    instances: () => [],
    onChange: () => () => {},
  } as unknown as Directory;
  const limits = { expiryMs: 60_000, queueSecondsMax: 60 };
  const door = { directory, client, gatewayId: 'gateway-1', soldOut: () => null, ...limits };
  const desk = new PurchaseHandler(door);
  const server = createServer((request, response) => {
    desk.checkout(request, response, { requestId: 'r-1', principal: null });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await desk.close();
  });
  const { port } = server.address() as AddressInfo;
  const headers = { traceparent: `00-${trace}-b7ad6b7169203331-01` };
  const answer = await fetch(`http://127.0.0.1:${port}/api/checkouts/${id}`, { headers });
  expect(await answer.json()).toEqual({ id, state: 'placed' });
  const [, options] = asked.find(([path]) => path === `/internal/checkouts/${id}`) ?? [];
  expect(options?.headers).toEqual({
    'x-request-id': 'r-1',
    traceparent: expect.stringMatching(new RegExp(`^00-${trace}-(?!b7ad)[0-9a-f]{16}-01$`)),
  });
});
