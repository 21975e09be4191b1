import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { Cable, whole } from './cable.ts';

const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A near socket, and what arrives at the far one. */
async function plugIn(): Promise<{ cable: Cable; near: Socket; far: Socket }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  const cable = new Cable(() => ({ host: '127.0.0.1', port }));
  const near = connect(await cable.plugIn(), '127.0.0.1');
  ends.push(() => cable.close());
  const [far] = (await once(server, 'connection')) as [Socket];
  return { cable, near, far };
}

async function read(socket: Socket, length: number): Promise<string> {
  let text = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += chunk;
    if (text.length >= length) return text;
  }
  return text;
}

test('what is sent after a slow cable was mended does not overtake what is under way', async () => {
  const { cable, near, far } = await plugIn();
  near.write('a');
  expect(await read(far, 1)).toBe('a');
  cable.condition = { kind: 'slow', delayMs: 600_000 };
  near.write('b');
  while (cable.piecesUnderWay === 0) await setImmediate();
  cable.condition = whole;
  near.write('c');
  expect(await read(far, 2)).toBe('bc');
});

test('a cut cable keeps what was sent and delivers it when it is mended', async () => {
  const { cable, near, far } = await plugIn();
  cable.condition = { kind: 'cut' };
  let arrived = '';
  far.on('data', (chunk) => {
    arrived += chunk;
  });
  await new Promise<void>((resolve) => near.write('held', () => resolve()));
  expect(arrived).toBe('');
  cable.condition = whole;
  while (arrived.length < 4) await once(far, 'data');
  expect(arrived).toBe('held');
});

test('a connection to where nobody is gets closed', async () => {
  const cable = new Cable(() => null);
  ends.push(() => cable.close());
  const near = connect(await cable.plugIn(), '127.0.0.1');
  await once(near, 'close');
  expect(near.bytesRead).toBe(0);
});
