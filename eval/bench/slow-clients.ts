/**
 * `npm run bench -- slow-clients`: thousands of connections that send their headers one byte a second.
 * Others must not notice: cached and uncached reads before, during and after, and the gateway's memory.
 */
import { once } from 'node:events';
import { type LoadResult, runLoad } from '../load/http-load.ts';
import type { SlowClients, SlowClientsReport } from '../load/slow-clients.ts';
import { endProcess, memoryMiB, portOf, startGateway, startNode } from './gateway-process.ts';

const slowClients = 5_000;
/** Well below what a gateway can do, so that what is seen is waiting and not the processor. */
const ratePerSecond = 400;
const phaseMs = 10_000;
const connections = 32;

function request(n: number): string {
  const url = n % 2 === 0 ? '/api/products/teddy-bear' : '/api/carts/bench';
  return `GET ${url} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json\r\n\r\n`;
}

function line(name: string, { latencies, statuses, failed }: LoadResult, pid: number): string {
  const [p50, p99] = [latencies.percentile(0.5), latencies.percentile(0.99)];
  return (
    `${name.padEnd(12)} p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, statuses ` +
    `${JSON.stringify(statuses)}, failed ${failed}, memory ${memoryMiB(pid).toFixed(0)} MiB`
  );
}

export async function benchSlowClients(): Promise<void> {
  const upstream = startNode('eval/bench/product-upstream.ts');
  const gateway = await startGateway(await portOf(upstream), ['catalog', 'customers']);
  const { port, pid } = gateway;
  const load = (): Promise<LoadResult> =>
    runLoad({ port, connections, ratePerSecond, durationMs: phaseMs, next: request });
  const crowd = startNode('eval/load/slow-clients.ts');
  try {
    await load(); // warm
    console.log(line('before', await load(), pid));
    crowd.send({ port, count: slowClients } satisfies SlowClients);
    await once(crowd, 'message'); // all are connected
    console.log(line('among them', await load(), pid));
    console.log(line('and still', await load(), pid));
    crowd.send('report');
    const [{ thrownOut }] = (await once(crowd, 'message')) as [SlowClientsReport];
    console.log(`${slowClients} slow clients, thrown out ${thrownOut} times and back each time`);
    await endProcess(crowd);
    console.log(line('afterwards', await load(), pid));
  } finally {
    if (crowd.exitCode === null && crowd.signalCode === null) await endProcess(crowd);
    await gateway.stop();
    await endProcess(upstream);
  }
}
