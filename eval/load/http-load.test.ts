import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { runLoad } from './http-load.ts';

describe('the load generator in an open loop', () => {
  it('leaves a connection that the server is about to close, as browsers do', async () => {
    let connections = 0;
    // The server says a second and means eleven: whoever comes back on the old connection is seen.
    const server = createServer({ keepAliveTimeout: 1_000, keepAliveTimeoutBuffer: 10_000 });
    server.on('connection', () => {
      connections += 1;
    });
    server.on('request', (_request, response) => response.end('yes'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const requests = 3;
    const result = await runLoad({
      port: (server.address() as AddressInfo).port,
      connections: 1,
      durationMs: 2_500,
      dueAtMs: [0, 100, 1_500],
      next: (n) => (n < requests ? 'GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n' : null),
    });
    server.close();
    expect(result).toMatchObject({ sent: requests, answered: requests, failed: 0 });
    expect(connections).toBe(2);
  });
});
