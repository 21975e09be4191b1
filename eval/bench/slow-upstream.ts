/**
 * A service with a capacity, for `flood`: so many workers, each busy for so long with a request;
 * the rest waits in line, as in any server that takes what it gets.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const workers = 8;
const busyMs = 20;
const line: (() => void)[] = [];
let busy = 0;

function work(done: () => void): void {
  busy += 1;
  setTimeout(() => {
    done();
    busy -= 1;
    line.shift()?.();
  }, busyMs);
}

const server = createServer((request, response) => {
  if (request.url?.startsWith('/internal/') === true) {
    response.writeHead(404).end();
    return;
  }
  const answer = (): void => work(() => response.end('{"lines":[]}'));
  if (busy < workers) answer();
  else line.push(answer);
});
server.listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port });
});
process.on('disconnect', () => process.exit(0));
