/**
 * `npm run bench -- freshness`: how old is what the gateways show, while one product sells fast?
 *
 * A real shop with two gateways on one port. Sales go straight to the catalog's reservation (in
 * batches, as the workers make them), so that the crowd of buyers does not use up the machine that
 * is to be measured. Readers ask both gateways for the product all the time. A read is *wrong* by
 * the time that had passed, when it was asked, since the answer of a sale that it does not show.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type RunningShop, startShop } from '../cluster/running-shop.ts';
import { figureOf, serviceUrl } from '../cluster/service-figures.ts';
import { runLoad } from '../load/http-load.ts';
import { Latencies } from '../load/latencies.ts';

const handle = 'ceiling-saucer';
const salesPerSecond = 2_000;
const salesPerBatch = 20;
const readsPerSecond = 2_000;
const readConnections = 16;
const measureMs = 10_000;
const root = path.resolve(import.meta.dirname, '../..');

interface Sale {
  readonly at: number;
  /** Left after it, as the catalog answered. */
  readonly available: number;
}

async function secondGateway(shop: RunningShop): Promise<{ child: ChildProcess; url: string }> {
  const { internalToken, sessionKey } = shop.secrets();
  const child = fork(path.join(root, 'src/services/gateway/main.ts'), {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {
      ...process.env,
      DOORBUSTER_ID: 'gateway-2',
      DOORBUSTER_HOME: shop.home,
      DOORBUSTER_INTERNAL_TOKEN: internalToken,
      DOORBUSTER_SESSION_KEY: sessionKey,
      DOORBUSTER_RATE_LIMIT: 'off',
      PORT: String(shop.port),
    },
  });
  const [{ url }] = (await once(child, 'message')) as [{ url: string }];
  return { child, url };
}

async function stock(shop: RunningShop): Promise<{ sku: string; available: number }> {
  const answer = await fetch(`${shop.url}/api/products/${handle}`);
  const { variants } = (await answer.json()) as { variants: { sku: string; available: number }[] };
  const [first] = variants;
  if (first === undefined) throw new Error(`${handle} has no variant`);
  return first;
}

async function restock(shop: RunningShop, sku: string, quantity: number): Promise<void> {
  const json = { 'content-type': 'application/json' };
  const signIn = await fetch(`${shop.url}/api/sessions`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ email: 'owner@localhost', password: shop.secrets().ownerPassword }),
  });
  const cookie = signIn.headers.getSetCookie()[0]?.split(';', 1)[0] ?? '';
  const answer = await fetch(`${shop.url}/api/admin/restocks`, {
    method: 'POST',
    headers: { ...json, cookie },
    body: JSON.stringify({ sku, quantity, reason: 'bench' }),
  });
  if (!answer.ok) throw new Error(`restock: ${answer.status} ${await answer.text()}`);
}

/** Sells in batches until `signal`; each sale is noted when its answer is there. */
async function sell(
  shop: RunningShop,
  { sku, available }: { sku: string; available: number },
  signal: AbortSignal,
): Promise<Sale[]> {
  const url = `${serviceUrl(shop, 'catalog')}/internal/reserve`;
  const headers = {
    authorization: `Bearer ${shop.secrets().internalToken}`,
    'content-type': 'application/json',
  };
  const sales: Sale[] = [];
  let left = available;
  const everyMs = (salesPerBatch * 1_000) / salesPerSecond;
  let dueAt = performance.now();
  while (!signal.aborted && left >= salesPerBatch) {
    const batch = Array.from({ length: salesPerBatch }, () => ({
      checkoutId: crypto.randomUUID(),
      lines: [{ sku, quantity: 1 }],
    }));
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ batch }) });
    const { outcomes } = (await answer.json()) as { outcomes: { kind: string }[] };
    left -= outcomes.filter(({ kind }) => kind === 'reserved').length;
    sales.push({ at: performance.now(), available: left });
    dueAt += everyMs;
    const waitMs = dueAt - performance.now();
    if (waitMs > 0) await delay(waitMs);
  }
  return sales;
}

interface Read {
  readonly askedAt: number;
  readonly available: number;
}

/** Milliseconds for which a read was wrong when it was asked; 0 where it was right. */
export function wrongForMs(sales: readonly Sale[], read: Read): number {
  // The first sale that left less than the read shows: it was wrong from that moment on.
  let [low, high] = [0, sales.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sales[middle]?.available ?? 0) < read.available) high = middle;
    else low = middle + 1;
  }
  const sale = sales[low];
  return sale === undefined ? 0 : Math.max(0, read.askedAt - sale.at);
}

export async function benchFreshness(): Promise<void> {
  const shop = await startShop();
  const second = await secondGateway(shop);
  const urls = [serviceUrl(shop, 'gateway'), second.url];
  try {
    const { sku } = await stock(shop);
    await restock(shop, sku, 200_000);
    await delay(1_000);
    const before = await Promise.all(urls.map((url) => figureOf(url, 'gateway_cache_fills_total')));
    const stop = new AbortController();
    const selling = sell(shop, await stock(shop), stop.signal);
    const reads: Read[] = [];
    const request = `GET /api/products/${handle} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`;
    const load = await runLoad({
      port: shop.port,
      connections: readConnections,
      ratePerSecond: readsPerSecond,
      durationMs: measureMs,
      bodies: true,
      next: () => request,
      onAnswer(_n, { body }, latencyMs) {
        const available = Number(/"available":(\d+)/.exec(body)?.[1]);
        reads.push({ askedAt: performance.now() - latencyMs, available });
      },
    });
    stop.abort();
    const sales = await selling;
    const fills = await Promise.all(urls.map((url) => figureOf(url, 'gateway_cache_fills_total')));
    const fillCount = fills.reduce((sum, count, i) => sum + count - (before[i] ?? 0), 0);
    const wrong = new Latencies();
    let wrongCount = 0;
    for (const read of reads) {
      const ms = wrongForMs(sales, read);
      if (ms > 0) wrongCount += 1;
      wrong.add(ms);
    }
    const sold = (sales[0]?.available ?? 0) - (sales.at(-1)?.available ?? 0);
    console.log(`sales: ${(sold / (measureMs / 1_000)).toFixed(0)}/s in ${sales.length} commits`);
    console.log(
      `reads: ${(load.answered / load.seconds).toFixed(0)}/s through two gateways, ` +
        `p99 ${load.latencies.percentile(0.99).toFixed(1)} ms, ` +
        `statuses ${JSON.stringify(load.statuses)}, failed ${load.failed}`,
    );
    console.log(
      `hit rate: ${((100 * (load.answered - fillCount)) / load.answered).toFixed(1)} %, ` +
        `${fillCount} fills`,
    );
    console.log(
      `answers older than the sale they should show: ${wrongCount} of ${reads.length}; ` +
        `age p99 ${wrong.percentile(0.99).toFixed(1)} ms, p99.9 ` +
        `${wrong.percentile(0.999).toFixed(1)} ms, oldest ${wrong.percentile(1).toFixed(1)} ms`,
    );
    const stale = await Promise.all(
      urls.map((url) => figureOf(url, 'gateway_stale_answers_total')),
    );
    console.log(`stale answers that the samplers found: ${stale.join(' and ')}`);
  } finally {
    second.child.kill('SIGTERM');
    await once(second.child, 'exit');
    await shop.stop();
  }
}

if (import.meta.main) await benchFreshness();
