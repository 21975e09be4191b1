import { createServer } from 'node:net';
import { cannotListen } from '../../kit/http/port-in-use.ts';

/** Before anything is started: throws a sentence that says what to do where the port is taken. */
export async function requireFreePort(port: number, setting: string): Promise<void> {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new Error(`${setting} must be a port: a whole number from 1 to 65535.`);
  }
  await new Promise<void>((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => reject(cannotListen(error, port, setting)));
    server.listen(port, () => server.close(() => resolve()));
  });
}
