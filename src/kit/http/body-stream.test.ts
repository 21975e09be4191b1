import { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { Client } from 'undici';
import { expect, onTestFinished, test } from 'vitest';
import { createLog } from '../log.ts';
import { limitedBody } from './body-stream.ts';
import { createApp } from './service.ts';

const internalToken = 'internal-token-of-the-test';
const authorization = `Bearer ${internalToken}`;
const upload = { method: 'POST', body: Buffer.alloc(3_000_000, 'x\n') } as const;

/** A service with one route that reads its body as a stream, and a client of one connection. */
async function serving(read: (body: AsyncGenerator<Buffer>) => Promise<unknown>) {
  const app = createApp(internalToken, createLog('test', 'silent'));
  let connections = 0;
  app.server.on('connection', () => {
    connections += 1;
  });
  app.addContentTypeParser('text/csv', (_request, payload, done) => done(null, payload));
  app.post('/import', async ({ body }: FastifyRequest) => {
    return { read: await read(limitedBody(body as Readable, 2_000_000)) };
  });
  app.get('/next', async () => 'served');
  const client = new Client(await app.listen({ host: '127.0.0.1', port: 0 }));
  onTestFinished(async () => {
    await client.destroy();
    await app.close();
  });
  const ask = async (path: string, options: object = {}) => {
    const answer = await client.request({
      path,
      method: 'GET',
      headers: { authorization },
      ...options,
    });
    return { status: answer.statusCode, text: await answer.body.text() };
  };
  return { ask, connections: () => connections };
}

const csv = { ...upload, headers: { authorization, 'content-type': 'text/csv' } };

test.each([
  ['to an address that is none', '/nowhere', csv, 404],
  ['without the credential', '/import', { ...csv, headers: { 'content-type': 'text/csv' } }, 401],
  ['of a type that is not taken', '/import', { ...csv, headers: { authorization } }, 415],
  ['that is not read', '/import', csv, 200],
])('behind an upload %s the next request on its connection is served', async (...given) => {
  const [, path, options, status] = given;
  const { ask, connections } = await serving(async () => null);
  expect((await ask(path, options)).status).toBe(status);
  expect((await ask('/next')).text).toBe('served');
  expect(connections()).toBe(1);
});

test('a reader may stop in the middle: its answer arrives, and so does the next one', async () => {
  const { ask, connections } = await serving(async (body) => {
    for await (const chunk of body) return chunk.length > 0;
    return null;
  });
  expect((await ask('/import', csv)).text).toBe('{"read":true}');
  expect((await ask('/next')).text).toBe('served');
  expect(connections()).toBe(1);
});

test('what is longer than its limit is refused, however much was read before', async () => {
  const { ask } = await serving(async (body) => {
    for await (const chunk of body) expect(chunk.length).toBeGreaterThan(0);
  });
  expect((await ask('/import', csv)).status).toBe(413);
  expect((await ask('/next')).text).toBe('served');
});

test('a client that leaves is an expected end of its body', async () => {
  const left = new Readable({ read() {} });
  left.push('first');
  const body = limitedBody(left, 100);
  expect(`${(await body.next()).value}`).toBe('first');
  left.destroy(new Error('aborted'));
  await expect(body.next()).rejects.toMatchObject({ body: { status: 400 } });
});
