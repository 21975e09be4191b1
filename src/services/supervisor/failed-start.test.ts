import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { freePort } from '../../kit/http/free-port.ts';
import { createLog } from '../../kit/log.ts';
import { Fleet } from './fleet.ts';

function makeHome(): string {
  const home = mkdtempSync(path.join(tmpdir(), 'doorbuster-failed-start-'));
  for (const folder of ['run', 'logs']) mkdirSync(path.join(home, folder));
  const database = { leader: null, followers: [] };
  const cluster = { revision: 1, epoch: 1, database, services: [] };
  writeFileSync(path.join(home, 'run', 'cluster.json'), JSON.stringify(cluster));
  return home;
}

test('a gateway whose port is taken says whose it is, and starts once it is free', async () => {
  const home = makeHome();
  const port = await freePort();
  const other = createServer().listen(port);
  await once(other, 'listening');
  const failures: string[] = [];
  let fails: () => void = () => {};
  const failed = new Promise<void>((resolve) => {
    fails = resolve;
  });
  const fleet = new Fleet({
    home,
    log: createLog('test', 'silent'),
    envOf: () => ({
      PORT: String(port),
      DOORBUSTER_INTERNAL_TOKEN: 'test',
      DOORBUSTER_SESSION_KEY: '00'.repeat(32),
    }),
    publish: () => {},
    onFailedStart(id, why) {
      failures.push(`${id}: ${why}`);
      fails();
    },
  });
  const started = fleet.start('gateway');
  await failed;
  other.close();
  expect(await started).toBe('gateway-1');
  expect(failures[0]).toContain(`gateway-1: Port ${port} is in use`);
  expect(failures[0]).toContain('set PORT to another one');
  if (process.platform === 'linux') expect(failures[0]).toContain(`by process ${process.pid} `);
  await fleet.stop([['gateway']], 2_000);
  rmSync(home, { recursive: true });
});
