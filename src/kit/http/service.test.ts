import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { createLog } from '../log.ts';
import { createApp } from './service.ts';

it('a service closes although a client holds a connection that it never used', async () => {
  const app = createApp('token', createLog('test', 'silent'));
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
  const accepted = once(app.server, 'connection');
  const unused = connect(Number(port), '127.0.0.1');
  await accepted;
  const ended = once(unused, 'close');
  await app.close();
  await ended;
  expect(unused.destroyed).toBe(true);
});
