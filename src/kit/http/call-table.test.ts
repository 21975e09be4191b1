import { once } from 'node:events';
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import Type from 'typebox';
import { expect, onTestFinished, test } from 'vitest';
import { createLog } from '../log.ts';
import type { CallHandler } from './call-table.ts';
import { AnswerReader, type BundledCall, bundlePath, notBundled } from './call-wire.ts';
import { Problem } from './problem.ts';
import { createApp } from './service.ts';

const internalToken = 'internal-token-of-the-test';
const authorization = `Bearer ${internalToken}`;

function appWith(routes: Readonly<Record<string, CallHandler<never, never>>>) {
  const app = createApp(internalToken, createLog('test', 'silent'));
  onTestFinished(() => app.close());
  for (const [path, handler] of Object.entries(routes)) {
    app.calls.add({ method: 'GET', path, schema: {}, handler });
  }
  return app;
}

const get = (path: string): BundledCall => ({ method: 'GET', path, headers: {} });

async function askAll(app: ReturnType<typeof appWith>, payload: unknown) {
  const sent = { method: 'POST', url: bundlePath, headers: { authorization } } as const;
  const answer = await app.inject({ ...sent, payload: payload as object });
  const answers = new AnswerReader().read(answer.rawPayload);
  return { answer, answers: answers.toSorted((a, b) => a.index - b.index) };
}

test('an answer does not wait for a slower one of its bundle', async () => {
  const { promise: asked, resolve: release } = Promise.withResolvers<void>();
  const app = appWith({
    '/slow': async () => ({ body: await asked.then(() => 'slow') }),
    '/quick': async () => ({ body: 'quick' }),
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const headers = { authorization, 'content-type': 'application/json' };
  const asking = request({ port, host: '127.0.0.1', method: 'POST', path: bundlePath, headers });
  asking.end(JSON.stringify([get('/slow'), get('/quick')]));
  const [response] = await once(asking, 'response');
  const reader = new AnswerReader();
  const [first] = await once(response, 'data');
  expect(reader.read(first)).toMatchObject([{ index: 1, status: 200 }]);
  const next = once(response, 'data');
  release();
  const [second] = await next;
  const [slow] = reader.read(second);
  expect(slow).toMatchObject({ index: 0, status: 200 });
  expect(slow?.headers).toEqual({ 'content-type': 'application/json; charset=utf-8' });
  expect(slow?.body.toString()).toBe('"slow"');
});

test('a route with a name goes before one with a parameter, in any order of adding', async () => {
  const app = appWith({
    '/carts/:id': async ({ params }: { params: { id: string } }) => ({ body: params.id }),
    '/carts/mine': async () => ({ body: 'the own one' }),
  });
  const { answers } = await askAll(app, [get('/carts/mine'), get('/carts/x')]);
  expect(answers.map(({ body }) => body.toString())).toEqual(['"the own one"', '"x"']);
});

test('a failure answers only its own call; a defect shows no details', async () => {
  const app = appWith({
    '/refused': async () => {
      throw new Problem(409, 'conflict', 'Not so', {}, { 'retry-after': '1' });
    },
    '/defect': () => {
      throw new TypeError('a secret of the inside');
    },
    '/fine': async () => ({ status: 201, headers: { location: '/there' }, body: {} }),
  });
  const { answer, answers } = await askAll(app, ['/refused', '/defect', '/fine', '/no'].map(get));
  const statuses = answers.map(({ status }) => status);
  expect(statuses).toEqual([409, 500, 201, notBundled]);
  expect(answers[0]?.headers).toMatchObject({ 'retry-after': '1' });
  expect(answers[2]?.headers).toMatchObject({ location: '/there' });
  expect(answer.body).not.toContain('secret');
});

test('a body is validated as strictly as that of a request of its own', async () => {
  const app = createApp(internalToken, createLog('test', 'silent'));
  onTestFinished(() => app.close());
  const body = Type.Object({ n: Type.Integer() });
  const handler: CallHandler<never, { n: number }> = async (call) => ({ body: call.body.n });
  app.calls.add({ method: 'PUT', path: '/n', schema: { body }, handler });
  const bodies = ['{"n":1}', '{"n":"1"}', '{', '', '{"n":1,"__proto__":{"x":1}}', undefined];
  const calls = bodies.map((text) => ({ method: 'PUT', path: '/n', headers: {}, body: text }));
  const { answers } = await askAll(app, calls);
  const statuses = answers.map(({ status }) => status);
  expect(statuses).toEqual([200, 422, 400, 422, 400, 422]);
});

test.each([
  ['nothing', []],
  ['no list', { method: 'GET' }],
  ['no calls', [null]],
  ['no path', [{ method: 'GET', headers: {} }]],
  ['no JSON text as body', [{ ...get('/'), body: {} }]],
])('%s is no bundle', async (_name, payload) => {
  const { answer } = await askAll(appWith({}), payload);
  expect(answer.statusCode).toBe(400);
});

test('only the shop itself may send one', async () => {
  const app = appWith({ '/': async () => ({ body: 1 }) });
  const answer = await app.inject({ method: 'POST', url: bundlePath, payload: [get('/')] });
  expect(answer.statusCode).toBe(401);
});

test('each call counts as work', async () => {
  const app = appWith({ '/': async () => ({ body: 1 }) });
  await askAll(app, [get('/'), get('/'), get('/')]);
  expect(app.calls.extraCalls).toBe(2); // the request of the bundle counts for the first
});
