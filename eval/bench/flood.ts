/**
 * `npm run bench -- flood`: ten times more requests than a service can answer, for a while. What is
 * let in must be answered about as fast as on a quiet day, the rest must be turned away, memory
 * must stay bounded, and the calm afterwards must be calm.
 */
import { type LoadResult, runLoad } from '../load/http-load.ts';
import { endProcess, memoryMiB, portOf, startGateway, startNode } from './gateway-process.ts';

/** 8 workers of 20 ms: the capacity of slow-upstream.ts. */
const capacity = 400;
const quietMs = 5_000;
const floodMs = 30_000;
const connections = 256;

/** Addresses that nobody asked for before: neither cache nor single flight can help. */
function request(n: number): string {
  return `GET /api/products?after=${n} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`;
}

function line(name: string, result: LoadResult): string {
  const { latencies, statuses, answered, seconds, failed } = result;
  return (
    `${name.padEnd(10)} ${(answered / seconds).toFixed(0).padStart(6)}/s answered, ` +
    `${((statuses[200] ?? 0) / seconds).toFixed(0).padStart(5)}/s let in, ` +
    `p50 ${latencies.percentile(0.5).toFixed(1)} ms, ` +
    `p99 ${latencies.percentile(0.99).toFixed(1)} ms, ` +
    `statuses ${JSON.stringify(statuses)}, failed ${failed}`
  );
}

export async function benchFlood(): Promise<void> {
  const upstream = startNode('eval/bench/slow-upstream.ts');
  const gateway = await startGateway(await portOf(upstream), ['catalog']);
  const { port, pid } = gateway;
  const load = (ratePerSecond: number, durationMs: number) =>
    runLoad({ port, connections, ratePerSecond, durationMs, next: request });
  try {
    await load(capacity / 2, 2_000);
    const quiet = await load(capacity / 4, quietMs);
    console.log(line('quiet', quiet));
    const before = memoryMiB(pid);
    const flood = await load(capacity * 10, floodMs);
    console.log(line('flood', flood));
    const memory = memoryMiB(pid);
    const after = await load(capacity / 4, 2_000);
    console.log(line('afterwards', after));
    const ratio = flood.latencies.percentile(0.99) / quiet.latencies.percentile(0.99);
    console.log(`p99 of what was let in: ${ratio.toFixed(1)} × the quiet one`);
    console.log(
      `memory: ${before.toFixed(0)} MiB before, ${memory.toFixed(0)} MiB after the flood`,
    );
  } finally {
    await gateway.stop();
    await endProcess(upstream);
  }
}

if (import.meta.main) await benchFlood();
