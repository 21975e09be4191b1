import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ServiceInstance } from '../../kit/cluster/directory.ts';
import { createLog } from '../../kit/log.ts';
import { activitiesOf, type ProcessActivity } from './process-table.ts';
import { ServiceWatch } from './service-watch.ts';

const everyMs = 1_000;

let server: Server;
let service: ServiceInstance;
let watch: ServiceWatch;
let questions = 0;
let seen: ProcessActivity;
const onHung = vi.fn();

beforeEach(async () => {
  questions = 0;
  seen = { state: 'asleep', cpuMs: 0 };
  onHung.mockClear();
  server = createServer((request, response) => {
    if (request.url === '/healthz') questions += 1;
    response.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const since = '2026-11-25T12:00:00Z';
  service = { id: 'orders-1', role: 'orders', url, state: 'ready', pid: 7, since };
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'], now: 1_000_000 });
  vi.advanceTimersByTime(10 * everyMs);
  const log = createLog('test', 'silent');
  const activitiesOf = () => new Map([[service.pid, seen]]);
  watch = new ServiceWatch({ services: () => [service], log, onHung, activitiesOf });
});

afterEach(() => {
  watch.close();
  vi.useRealTimers();
  server.closeAllConnections();
  server.close();
});

/** Nobody answers any more, and as many questions were asked in vain. */
async function missed(count: number): Promise<void> {
  server.closeAllConnections();
  server.close();
  for (let miss = 0; miss < count; miss += 1) {
    vi.advanceTimersByTime(everyMs);
    await new Promise((resolve) => setTimeout(resolve, 0)); // the connection is refused at once
  }
}

test('one that sleeps and answers nobody is hung at the second miss', async () => {
  await vi.waitFor(async () => {
    await missed(1);
    expect(onHung).toHaveBeenCalledWith(service);
  });
});

test('one that works and is late gets more time, and no end of it', async () => {
  seen = { state: 'working', cpuMs: 0 };
  await missed(4);
  expect(onHung).not.toHaveBeenCalled();
  await vi.waitFor(async () => {
    await missed(1);
    expect(onHung).toHaveBeenCalledWith(service);
  });
});

test('one that is stopped is hung at the second look, though nobody asked it', () => {
  seen = { state: 'stopped', cpuMs: 0 };
  vi.advanceTimersByTime(everyMs);
  expect(onHung).not.toHaveBeenCalled();
  vi.advanceTimersByTime(everyMs);
  expect(onHung).toHaveBeenCalledTimes(1);
  expect(questions).toBe(0);
});

test('one that is stopped for a moment only is let alone', () => {
  seen = { state: 'stopped', cpuMs: 0 };
  vi.advanceTimersByTime(everyMs);
  seen = { state: 'asleep', cpuMs: 0 };
  vi.advanceTimersByTime(everyMs);
  seen = { state: 'stopped', cpuMs: 0 };
  vi.advanceTimersByTime(everyMs);
  expect(onHung).not.toHaveBeenCalled();
});

test('one that answers somebody else is not asked, until that ends', async () => {
  for (let round = 0; round < 5; round += 1) {
    watch.answered(service);
    vi.advanceTimersByTime(everyMs);
    await (await fetch(service.url)).text(); // a question of that round would have come before this
  }
  expect(questions).toBe(0);
  vi.advanceTimersByTime(everyMs);
  await vi.waitFor(() => expect(questions).toBe(1));
});

test('the process table tells stopped processes from sleeping and computing ones', async () => {
  vi.useRealTimers();
  const idle = spawn(process.execPath, ['--eval', 'setInterval(() => {}, 1e6)']);
  const busy = spawn(process.execPath, ['--eval', 'for (;;);']);
  const pids = [idle.pid, busy.pid] as number[];
  const states = () => pids.map((pid) => activitiesOf(pids).get(pid)?.state);
  try {
    await vi.waitFor(() => expect(states()).toEqual(['asleep', 'working']), 10_000);
    idle.kill('SIGSTOP');
    await vi.waitFor(() => expect(states()).toEqual(['stopped', 'working']), 10_000);
  } finally {
    for (const child of [idle, busy]) child.kill('SIGKILL');
  }
});
