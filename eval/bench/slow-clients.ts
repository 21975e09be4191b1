/**
 * `npm run bench -- slow-clients`: thousands of connections that send their headers one byte a
 * second. Others must not notice: cached and uncached reads before, during and after, and the
 * gateway's memory.
 * *Beside them* asks a second gateway, which no slow client reaches: what it loses is lost to the
 * crowd's own processor time, since the crowd runs on this machine too.
 */
import { once } from 'node:events';
import { runLoad } from '../load/http-load.ts';
import type { SlowClients, SlowClientsReport } from '../load/slow-clients.ts';
import {
  endProcess,
  type GatewayProcess,
  memoryMiB,
  portOf,
  startGateway,
  startNode,
} from './gateway-process.ts';

const slowClients = 5_000;
/** Well below what a gateway can do, so that what is seen is waiting and not the processor. */
const ratePerSecond = 400;
const phaseMs = 10_000;
const connections = 32;

function request(n: number): string {
  const url = n % 2 === 0 ? '/api/products/teddy-bear' : '/api/carts/bench';
  return `GET ${url} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json\r\n\r\n`;
}

async function measure(name: string, { port, pid }: GatewayProcess): Promise<void> {
  const load = { port, connections, ratePerSecond, durationMs: phaseMs, next: request };
  const { latencies, statuses, failed } = await runLoad(load);
  const [p50, p99] = [latencies.percentile(0.5), latencies.percentile(0.99)];
  console.log(
    `${name.padEnd(12)} p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, statuses ` +
      `${JSON.stringify(statuses)}, failed ${failed}, memory ${memoryMiB(pid).toFixed(0)} MiB`,
  );
}

export async function benchSlowClients(): Promise<void> {
  const upstream = startNode('eval/bench/product-upstream.ts');
  const upstreamPort = await portOf(upstream);
  const gateway = await startGateway(upstreamPort, ['catalog', 'customers']);
  const beside = await startGateway(upstreamPort, ['catalog', 'customers']);
  const crowd = startNode('eval/load/slow-clients.ts');
  try {
    await measure('cold', gateway);
    await measure('cold beside', beside);
    await measure('before', gateway);
    crowd.send({ port: gateway.port, count: slowClients } satisfies SlowClients);
    await once(crowd, 'message'); // all are connected
    await measure('among them', gateway);
    await measure('beside them', beside);
    await measure('and still', gateway);
    crowd.send('report');
    const [{ thrownOut }] = (await once(crowd, 'message')) as [SlowClientsReport];
    console.log(`${slowClients} slow clients, thrown out ${thrownOut} times and back each time`);
    await endProcess(crowd);
    await measure('afterwards', gateway);
  } finally {
    if (crowd.exitCode === null && crowd.signalCode === null) await endProcess(crowd);
    await gateway.stop();
    await beside.stop();
    await endProcess(upstream);
  }
}
