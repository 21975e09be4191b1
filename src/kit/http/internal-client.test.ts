import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { emptyCluster, StaticDirectory } from '../cluster/directory.ts';
import { openInternalClient } from './internal-client.ts';

test('an endless answer is one only with status 200', async () => {
  const server = createServer((request, response) => {
    response.statusCode = request.url === '/refused' ? 503 : 200;
    response.end('line\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = openInternalClient(new StaticDirectory(emptyCluster), 'token');
  onTestFinished(async () => {
    await client.close();
    server.close();
  });
  const instance = { id: 'x', role: 'orders', url, state: 'ready', pid: 1, since: '' } as const;
  const { signal } = new AbortController();
  await expect(client.stream(instance, '/refused', signal)).rejects.toThrow('status 503');
  const lines: string[] = [];
  for await (const chunk of await client.stream(instance, '/', signal)) lines.push(`${chunk}`);
  expect(lines).toEqual(['line\n']);
});
