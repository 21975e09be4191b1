import { createServer, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { onResponseClose } from './response-close.ts';

let stop = (): void => {};
afterEach(() => stop());

/**
 * Sends one request to a server that handles it so; resolves when `count` listeners were called.
 */
function called(count: number, handle: (response: ServerResponse) => void): Promise<string[]> {
  const names: string[] = [];
  return new Promise((resolve) => {
    const server = createServer((_request, response) => {
      for (let n = 1; n <= count; n += 1) {
        onResponseClose(response, {
          onClose: (closed) => {
            expect(closed).toBe(response);
            names.push(`listener ${n}`);
            if (names.length < count) return;
            setImmediate(() => {
              response.emit('close'); // no listener is left
              resolve(names);
            });
          },
        });
      }
      handle(response);
    });
    stop = () => {
      server.closeAllConnections();
      server.close();
    };
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      const sent = request({ port, host: '127.0.0.1' }, (answer) => answer.resume());
      sent.on('error', () => {}).end();
    });
  });
}

test('all listeners are called once, in their order, when a response was sent', async () => {
  const names = await called(3, (response) => response.end('done'));
  expect(names).toEqual(['listener 1', 'listener 2', 'listener 3']);
});

test('they are called when it breaks off', async () => {
  expect(await called(2, (response) => response.destroy())).toEqual(['listener 1', 'listener 2']);
});
