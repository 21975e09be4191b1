import { once } from 'node:events';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { atEndOfTurn, TurnResponse } from './end-of-turn.ts';

let server: Server | null = null;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = null;
});

async function serving(listener: RequestListener): Promise<string> {
  server = createServer({ ServerResponse: TurnResponse }, listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function connected(url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

test('what waits for the end of the turn runs behind its microtasks and ticks', async () => {
  const order: string[] = [];
  atEndOfTurn(() => order.push('first'));
  atEndOfTurn(() => {
    order.push('second');
    atEndOfTurn(() => order.push('next turn'));
  });
  process.nextTick(() => order.push('tick'));
  await Promise.resolve().then(() => order.push('microtask'));
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  expect(order.indexOf('first')).toBeGreaterThan(order.indexOf('tick'));
  expect(order.indexOf('first')).toBeGreaterThan(order.indexOf('microtask'));
  expect(order.filter((each) => each !== 'tick' && each !== 'microtask')).toEqual([
    'first',
    'second',
    'next turn',
  ]);
});

test('answers that end in one turn leave behind it, each to its own asker', async () => {
  const held: ServerResponse[] = [];
  const sentInside: unknown[] = [];
  const url = await serving((request, response) => {
    response.setHeader('x-path', request.url ?? '');
    held.push(response);
    if (held.length < 3) return;
    for (const each of held) {
      each.end(`answer to ${each.req.url}`);
      const { socket, writableEnded, headersSent } = each;
      sentInside.push([socket?.bytesWritten, writableEnded, headersSent]);
    }
  });
  const paths = ['/a', '/b', '/c'];
  const answers = await Promise.all(paths.map(async (path) => (await fetch(url + path)).text()));
  expect(answers).toEqual(paths.map((path) => `answer to ${path}`));
  expect(sentInside).toEqual(paths.map(() => [0, true, true]));
});

test('pipelined requests are answered in their order', async () => {
  const url = await serving((request, response) => {
    response.end(request.url);
  });
  const socket = await connected(url);
  const heads = ['/1', '/2', '/3'].map((path) => `GET ${path} HTTP/1.1\r\nhost: x\r\n`);
  socket.end(`${heads.join('\r\n')}connection: close\r\n\r\n`);
  const bodies = [...(await text(socket)).matchAll(/\r\n\r\n(\/\d)/g)].map(([, body]) => body);
  expect(bodies).toEqual(['/1', '/2', '/3']);
});

test('an answer in pieces does not wait, and is whole', async () => {
  let isOver = false;
  const url = await serving((_request, response) => {
    response.write('one, ');
    response.write('two, ');
    response.end('three');
    isOver = response.finished;
  });
  expect(await (await fetch(url)).text()).toBe('one, two, three');
  expect(isOver).toBe(true);
});

test('a client that is gone at the end of the turn hurts nobody', async () => {
  const closed: Promise<unknown>[] = [];
  const url = await serving((request, response) => {
    if (request.url === '/gone') {
      closed.push(once(response, 'close'));
      response.end('too late');
      response.destroy();
      return;
    }
    response.end('still here');
  });
  await expect(fetch(`${url}/gone`)).rejects.toThrow();
  await Promise.all(closed);
  expect(closed).toHaveLength(1);
  expect(await (await fetch(url)).text()).toBe('still here');
});

test('the first end of an answer counts, whatever is called behind it', async () => {
  const complaints: unknown[] = [];
  const url = await serving((_request, response) => {
    response.on('error', ({ code }: Error & { code?: string }) => complaints.push(code));
    response.end('the answer');
    response.write('more');
    response.end('another');
  });
  expect(await (await fetch(url)).text()).toBe('the answer');
  expect(complaints[0]).toBe('ERR_STREAM_WRITE_AFTER_END');
});

test('a head without a body ends with its turn too', async () => {
  const url = await serving((_request, response) => {
    response.writeHead(204, { 'x-mark': 'yes' }).end();
  });
  const answer = await fetch(url);
  expect([answer.status, answer.headers.get('x-mark')]).toEqual([204, 'yes']);
});
