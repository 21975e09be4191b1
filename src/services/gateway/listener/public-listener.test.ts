import { once } from 'node:events';
import { type AddressInfo, connect, type Server } from 'node:net';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { createPublicServer } from './public-listener.ts';

test.each([
  ['an upgrade', 'GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n', '400'],
  ['a proxy request', 'CONNECT far.example:443 HTTP/1.1\r\nhost: far.example\r\n\r\n', '405'],
  ['what is no HTTP', 'EHLO shop\r\n\r\n', '400'],
])(
  '%s is refused and its connection ended, though the client keeps its side open',
  async (_name, request, status) => {
    const { server, closeAll } = createPublicServer((_request, response) => response.end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    let answer = '';
    client.on('data', (chunk) => {
      answer += chunk;
    });
    client.write(request);
    await once(client, 'end');
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    const connections = promisify((server as Server).getConnections.bind(server));
    await expect.poll(() => connections()).toBe(0);
    client.destroy();
    closeAll();
    server.close();
  },
);

test('a client that resets what it wanted to upgrade ends its own connection only', async () => {
  const { server, closeAll } = createPublicServer((_request, response) => response.end('served'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const upgrade = 'GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n';
  for (let count = 0; count < 50; count += 1) {
    const client = connect(port, '127.0.0.1').on('error', () => {});
    client.write(upgrade, () => client.resetAndDestroy());
    await once(client, 'close');
  }
  expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe('served');
  closeAll();
  server.close();
});
