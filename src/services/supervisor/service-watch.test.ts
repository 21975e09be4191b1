import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ServiceInstance } from '../../kit/cluster/directory.ts';
import { createLog } from '../../kit/log.ts';
import { ServiceWatch } from './service-watch.ts';

const everyMs = 2_000;

let server: Server;
let service: ServiceInstance;
let watch: ServiceWatch;
let questions = 0;
const onHung = vi.fn();

beforeEach(async () => {
  questions = 0;
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
  watch = new ServiceWatch({ services: () => [service], log, onHung });
});

afterEach(() => {
  watch.close();
  vi.useRealTimers();
  server.closeAllConnections();
  server.close();
});

test('who answers nobody is hung', async () => {
  server.closeAllConnections();
  server.close();
  await vi.waitFor(() => {
    vi.advanceTimersByTime(everyMs);
    expect(onHung).toHaveBeenCalledWith(service);
  });
});

test('whom somebody else hears is not asked, and is asked again when that ends', async () => {
  for (let round = 0; round < 5; round += 1) {
    vi.advanceTimersByTime(everyMs / 2);
    watch.heard(service);
    vi.advanceTimersByTime(everyMs / 2);
    await (await fetch(service.url)).text(); // a question of that round would have come before this
  }
  expect(questions).toBe(0);
  vi.advanceTimersByTime(everyMs);
  await vi.waitFor(() => expect(questions).toBe(1));
});
