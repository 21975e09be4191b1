/**
 * Purchases as load, in a process of its own: `node purchase-load.ts '<JSON of PurchaseLoad>'`
 * prints one line of JSON, a PurchaseLoadResult.
 */
import { address } from '../cluster/shop-client.ts';
import { type LoadResult, runLoad } from './http-load.ts';

export interface PurchaseLoad {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  /** Open loop at this rate; closed loop without it. */
  readonly ratePerSecond?: number;
  readonly skus: readonly string[];
  /** Exponent of the Zipf distribution over the SKUs; 0 is even. */
  readonly zipf?: number;
  readonly linesPerOrder?: number;
  readonly seed: number;
  readonly prefer?: string;
  /** Stop after this many requests. */
  readonly requestsMax?: number;
  /** Answers a second, for plots and for the moment of the sell-out. */
  readonly timeline?: boolean;
}

export interface PurchaseLoadResult {
  readonly ordersPerSecond: number;
  readonly answersPerSecond: number;
  readonly statuses: Readonly<Record<number, number>>;
  readonly failed: number;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Milliseconds since the start: status and latency of each answer, in order of arrival. */
  readonly timeline?: readonly (readonly [at: number, status: number, latencyMs: number])[];
}

/** mulberry32 (Tommy Ettinger): small, fast, good enough to choose SKUs. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Draws indexes 0..count-1 with probability proportional to 1 / rank^exponent. */
export function zipfDraw(count: number, exponent: number, random: () => number): () => number {
  const cumulative = new Float64Array(count);
  let sum = 0;
  for (let rank = 1; rank <= count; rank += 1) {
    sum += rank ** -exponent;
    cumulative[rank - 1] = sum;
  }
  return () => {
    const target = random() * sum;
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((cumulative[middle] ?? 0) < target) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

export function purchaseRequest(
  key: string,
  lines: readonly { sku: string; quantity: number }[],
  prefer = 'wait=30',
): string {
  const body = JSON.stringify({
    lines,
    email: 'ada@example.com',
    shippingAddress: address,
    payment: { method: 'test', token: 'tok_ok' },
  });
  return (
    'POST /api/orders HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n' +
    `prefer: ${prefer}\r\nidempotency-key: ${key}\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  );
}

async function run(load: PurchaseLoad): Promise<PurchaseLoadResult> {
  const random = seededRandom(load.seed);
  const draw = zipfDraw(load.skus.length, load.zipf ?? 0, random);
  const started = performance.now();
  const timeline: [number, number, number][] = [];
  const run = `${load.seed}-${process.pid}-${Date.now().toString(36)}`;
  const result: LoadResult = await runLoad({
    port: load.port,
    connections: load.connections,
    durationMs: load.seconds * 1_000,
    graceMs: 40_000,
    ...(load.ratePerSecond === undefined ? {} : { ratePerSecond: load.ratePerSecond }),
    next: (n) => {
      if (load.requestsMax !== undefined && n >= load.requestsMax) return null;
      const chosen = new Set<number>();
      while (chosen.size < (load.linesPerOrder ?? 1)) chosen.add(draw());
      const lines = [...chosen].map((index) => ({ sku: load.skus[index] ?? '', quantity: 1 }));
      return purchaseRequest(`${run}-${n}`, lines, load.prefer);
    },
    ...(load.timeline === true
      ? {
          onAnswer: (_n, { status }, latencyMs) => {
            timeline.push([performance.now() - started, status, latencyMs]);
          },
        }
      : {}),
  });
  const { user, system } = process.cpuUsage();
  return {
    ordersPerSecond: (result.statuses[201] ?? 0) / result.seconds,
    answersPerSecond: result.answered / result.seconds,
    statuses: result.statuses,
    failed: result.failed,
    p50: result.latencies.percentile(0.5),
    p95: result.latencies.percentile(0.95),
    p99: result.latencies.percentile(0.99),
    seconds: result.seconds,
    cpuSeconds: (user + system) / 1e6,
    ...(load.timeline === true ? { timeline } : {}),
  };
}

if (process.argv[1] === import.meta.filename) {
  process.stdout.write(`${JSON.stringify(await run(JSON.parse(process.argv[2] ?? '{}')))}\n`);
}
