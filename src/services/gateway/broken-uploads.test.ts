import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { fakeService, fakeShop, sessionCookie } from '../../../test/gateway/fake-shop.ts';

const importPath = '/api/admin/products/import';

/** A catalog that reads an upload, or refuses it unread. */
function catalogThat(reads: boolean) {
  return fakeService('catalog', (request, response) => {
    const answer = (): unknown => response.writeHead(reads ? 200 : 403).end('{}');
    if (reads) request.resume().on('end', answer);
    else answer();
  });
}

async function breakOff(port: number, cookie: string): Promise<void> {
  const head = `POST ${importPath} HTTP/1.1\r\nhost: x\r\ncookie: ${cookie}\r\n`;
  const socket = connect(port, '127.0.0.1');
  socket.write(`${head}content-type: text/csv\r\ncontent-length: 1000000\r\n\r\nHandle,Title\n`);
  await once(socket, 'connect');
  socket.destroy();
  await once(socket, 'close');
}

test('clients that break off uploads do not make a service look broken', async () => {
  await using catalog = await catalogThat(true);
  await using shop = await fakeShop([catalog]);
  const cookie = await sessionCookie({ role: 'staff' });
  for (let count = 0; count < 20; count += 1) await breakOff(shop.port, cookie);
  await expect.poll(() => shop.balancer.inFlight('catalog')).toBe(0);
  for (let count = 0; count < 5; count += 1) {
    expect((await fetch(`${shop.url}/api/products/bear`)).status).toBe(200);
  }
});

test('a refused `Expect: 100-continue` closes the connection', async () => {
  await using catalog = await catalogThat(false);
  await using shop = await fakeShop([catalog]);
  const socket = connect(shop.port, '127.0.0.1');
  const cookie = `cookie: ${await sessionCookie({ role: 'staff' })}`;
  const lines = ['host: x', cookie, 'content-length: 99999999', 'expect: 100-continue'];
  socket.write(`POST ${importPath} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
  const [answer] = await once(socket, 'data');
  expect(`${answer}`).toMatch(/^HTTP\/1\.1 413 .*\r\nconnection: close\r\n/is);
  socket.destroy();
});
