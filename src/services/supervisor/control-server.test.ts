import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test, vi } from 'vitest';
import { encodePrincipal, principalHeader } from '../../kit/http/principal.ts';
import { createLog } from '../../kit/log.ts';
import { type ControlServerOptions, startControlServer } from './control-server.ts';

const internalToken = 'internal-token-of-the-test';
const owner = { customerId: '1', email: 'owner@localhost', role: 'owner' } as const;
const headers = {
  authorization: `Bearer ${internalToken}`,
  [principalHeader]: encodePrincipal(owner),
};

function start(report: () => Promise<object> = async () => ({ epoch: 1 })) {
  const reporter = { report, note() {}, close() {} };
  const parts = { internalToken, tls: null, log: createLog('test', 'silent'), reporter };
  return startControlServer(parts as unknown as ControlServerOptions);
}

test('whoever watches gets a report at once; the end of the shop ends the stream', async () => {
  const control = await start();
  const answer = await fetch(`${control.url}/api/control/events`, { headers });
  expect(answer.headers.get('content-type')).toContain('text/event-stream');
  const reader = answer.body?.getReader();
  const first = await reader?.read();
  expect(Buffer.from(first?.value ?? []).toString()).toBe('data: {"epoch":1}\n\n');
  await control.close();
  expect(await reader?.read()).toMatchObject({ done: true });
});

test('a stream ends after a minute, so that whoever was demoted does not watch on', async () => {
  vi.useFakeTimers({ toFake: ['setInterval'] });
  const control = await start();
  const answer = await fetch(`${control.url}/api/control/events`, { headers });
  const text = answer.text();
  await vi.advanceTimersByTimeAsync(60_000);
  vi.useRealTimers();
  expect((await text).match(/data: /g)).toHaveLength(60);
  await control.close();
});

test('a report that is ready after the end of the shop is sent to nobody', async () => {
  const { promise: asked, resolve: isAsked } = Promise.withResolvers<void>();
  const { promise: report, resolve: answer } = Promise.withResolvers<object>();
  const control = await start(() => {
    isAsked();
    return report;
  });
  const watching = fetch(`${control.url}/api/control/events`, { headers });
  await asked;
  const closed = control.close();
  answer({ epoch: 2 });
  await closed;
  expect(await (await watching).text()).toBe('');
});

test('who asks only for the head of the stream gets it, and leaves nothing open', async () => {
  const control = await start();
  const asked = { method: 'HEAD', headers };
  const answer = await fetch(`${control.url}/api/control/events`, asked);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toContain('text/event-stream');
  await control.close();
});

test('a request that never ends does not hold up the end of the shop', async () => {
  const control = await start();
  const { port, hostname } = new URL(control.url);
  const socket = connect(Number(port), hostname);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const type = 'content-type: application/json\r\ncontent-length: 9\r\nexpect: 100-continue\r\n';
  socket.write(`POST /api/control/faults HTTP/1.1\r\nhost: x\r\n${lines.join('')}${type}\r\n`);
  await once(socket, 'data'); // the server expects the rest of the request, which never comes
  const ended = once(socket, 'close');
  await control.close();
  await expect(ended).resolves.toBeDefined();
});
