/**
 * The guest's whole journey as load, as many calls as a browser makes: a new cart, two lines, the
 * cart once more on the checkout page, the purchase. `node journey-load.ts '<JSON>'` prints JSON.
 */
import { address } from '../cluster/shop-client.ts';
import { runLoad } from './http-load.ts';

export interface JourneyLoad {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  readonly skus: readonly string[];
}

export interface JourneyResult {
  readonly journeysPerSecond: number;
  readonly callsPerSecond: number;
  readonly statuses: Readonly<Record<number, number>>;
  readonly p50: number;
  readonly p99: number;
  readonly cpuSeconds: number;
}

interface Traveller {
  step: number;
  cart: string;
  since: number;
}

const steps = 5;

function request(method: string, path: string, body: unknown, headers = ''): string {
  const text = body === undefined ? '' : JSON.stringify(body);
  const type = text === '' ? '' : 'content-type: application/json\r\n';
  return (
    `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${headers}${type}` +
    `content-length: ${text.length}\r\n\r\n${text}`
  );
}

async function run(load: JourneyLoad): Promise<JourneyResult> {
  const travellers = Array.from(
    { length: load.connections },
    (): Traveller => ({ step: 0, cart: '', since: 0 }),
  );
  const durations: number[] = [];
  const runName = `${process.pid}-${Date.now().toString(36)}`;
  const skuAt = (n: number): string => load.skus[n % load.skus.length] ?? '';
  const bytesOf = (traveller: Traveller, n: number): string => {
    const { step, cart } = traveller;
    if (step === 0) return request('POST', '/api/carts', {});
    const line = `/api/carts/${cart}/lines/${skuAt(n)}`;
    if (step === 1 || step === 2) return request('PUT', line, { quantity: 1 });
    if (step === 3) return request('GET', `/api/carts/${cart}`, undefined);
    const purchase = {
      cartId: cart,
      email: 'ada@example.com',
      shippingAddress: address,
      payment: { method: 'test', token: 'tok_ok' },
    };
    const headers = `idempotency-key: ${runName}-${n}\r\nprefer: wait=30\r\n`;
    return request('POST', '/api/orders', purchase, headers);
  };
  const result = await runLoad({
    port: load.port,
    connections: load.connections,
    durationMs: load.seconds * 1_000,
    bodies: true,
    next: (n, lane) => {
      const traveller = travellers[lane] as Traveller;
      if (traveller.step === 0) traveller.since = performance.now();
      return bytesOf(traveller, n);
    },
    onAnswer: (_n, { status, body }, _latency, lane) => {
      const traveller = travellers[lane] as Traveller;
      if (status >= 400) {
        traveller.step = 0; // counted among the statuses; the traveller begins anew
        return;
      }
      if (traveller.step === 0) traveller.cart = JSON.parse(body).id;
      traveller.step = (traveller.step + 1) % steps;
      if (traveller.step === 0) durations.push(performance.now() - traveller.since);
    },
  });
  durations.sort((a, b) => a - b);
  const { user, system } = process.cpuUsage();
  return {
    journeysPerSecond: durations.length / result.seconds,
    callsPerSecond: result.answered / result.seconds,
    statuses: result.statuses,
    p50: durations[Math.floor(durations.length * 0.5)] ?? Number.NaN,
    p99: durations[Math.floor(durations.length * 0.99)] ?? Number.NaN,
    cpuSeconds: (user + system) / 1e6,
  };
}

if (process.argv[1] === import.meta.filename) {
  process.stdout.write(`${JSON.stringify(await run(JSON.parse(process.argv[2] ?? '{}')))}\n`);
}
