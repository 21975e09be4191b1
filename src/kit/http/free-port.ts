/** Finds free ports on the loopback address. */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Below the ephemeral range, from which systems take ports for outgoing connections. So a port that
 * is free now is still free a few seconds later, and a process that restarts can keep its port.
 */
const range = { from: 15_000, to: 32_000 } as const;
const triesMax = 200;

/** On the loopback address. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1' }, () => {
      server.close(() => resolve(true));
    });
  });
}

/** Different free ports on the loopback address. Throws where none is found. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  for (let tries = 0; found.size < count; tries += 1) {
    if (tries > triesMax) throw new Error('no free port was found');
    const port = randomInt(range.from, range.to);
    if (!found.has(port) && (await isPortFree(port))) found.add(port);
  }
  return [...found];
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port as number;
}
