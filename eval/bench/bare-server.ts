/**
 * The measure of `reads`: the least that node:http can do. Answers every request with the bytes
 * that it was sent over IPC, and knows nothing else.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Orders {
  readonly headers: readonly string[];
  readonly body: string;
}

process.once('message', ({ headers, body }: Orders) => {
  const bytes = Buffer.from(body);
  const server = createServer((_request, response) => {
    response.writeHead(200, headers as string[]);
    response.end(bytes);
  });
  server.listen(0, '127.0.0.1', () => {
    process.send?.({ port: (server.address() as AddressInfo).port });
  });
});
process.on('message', (message) => {
  if (message === 'cpu') process.send?.({ cpu: process.cpuUsage() });
});
process.on('disconnect', () => process.exit(0));
