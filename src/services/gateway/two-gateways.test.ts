import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { type FakeService, fakeService, instanceOf } from '../../../test/gateway/fake-shop.ts';
import { freePort } from '../../kit/http/free-port.ts';

const clients = 32;

interface Pair extends AsyncDisposable {
  readonly port: number;
  readonly gateways: readonly ChildProcess[];
}

/** Two gateway processes that share a port, as the supervisor starts them. */
async function startPair(services: readonly FakeService[]): Promise<Pair> {
  const home = mkdtempSync(path.join(tmpdir(), 'doorbuster-gateways-'));
  mkdirSync(path.join(home, 'run'));
  const cluster = {
    revision: 1,
    epoch: 1,
    database: { leader: null, followers: [] },
    services: services.map(instanceOf),
  };
  writeFileSync(path.join(home, 'run', 'cluster.json'), JSON.stringify(cluster));
  const port = await freePort();
  const gateways = [1, 2].map((number) =>
    fork(path.join(import.meta.dirname, 'main.ts'), {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: [],
      env: {
        ...process.env,
        DOORBUSTER_ID: `gateway-${number}`,
        DOORBUSTER_HOME: home,
        DOORBUSTER_INTERNAL_TOKEN: 'test',
        DOORBUSTER_SESSION_KEY: '00'.repeat(32),
        DOORBUSTER_RATE_LIMIT: 'off',
        DOORBUSTER_LOG_LEVEL: 'error',
        PORT: String(port),
      },
    }),
  );
  await Promise.all(gateways.map((gateway) => once(gateway, 'message')));
  return {
    port,
    gateways,
    async [Symbol.asyncDispose]() {
      for (const gateway of gateways) {
        gateway.kill('SIGKILL');
        if (gateway.exitCode === null && gateway.signalCode === null) await once(gateway, 'exit');
      }
      rmSync(home, { recursive: true });
    },
  };
}

/** One read on a connection of its own; rejects where the connection fails. */
function read(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: '/api/orders/1', agent: false };
    httpRequest(options, (response) => {
      response.resume().once('end', () => resolve(response.statusCode ?? 0));
      response.once('error', reject);
    })
      .once('error', reject)
      .end();
  });
}

async function readWithRetry(port: number, failed: () => void): Promise<number> {
  try {
    return await read(port);
  } catch {
    failed();
    return await read(port);
  }
}

// A killed gateway takes its open requests along. One that is stopped by SIGTERM finishes them; but
// connections that the kernel has lined up at its socket, not yet accepted, are reset with it.
// Either way each of the 32 clients can be hit once, and is served when it asks again.
test.each(['SIGKILL', 'SIGTERM'] as const)(
  'after %s of one of two gateways under load a client that asks again sees nothing',
  async (signal) => {
    await using orders = await fakeService('orders', (_request, response) => response.end('{}'));
    await using pair = await startPair([orders]);
    let left = 1_200;
    let failures = 0;
    const statuses = new Set<number>();
    const lane = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        if (left === 900) pair.gateways[0]?.kill(signal);
        statuses.add(
          await readWithRetry(pair.port, () => {
            failures += 1;
          }),
        );
      }
    };
    await Promise.all(Array.from({ length: clients }, lane));
    expect([...statuses]).toEqual([200]);
    expect(failures).toBeLessThanOrEqual(clients);
  },
  90_000,
);
