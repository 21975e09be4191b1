/**
 * `npm run bench -- fan-out`: what it costs the catalog to stream changes of products to every
 * gateway. The same sales go to a shop with one gateway, two, four and eight; the slope of
 * the catalog's CPU over the number of gateways is the cost of streaming.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { CpuMeter } from '../cluster/cpu-meter.ts';
import { figureOf, serviceUrl } from '../cluster/service-figures.ts';
import { BenchShop, machine } from './purchases/bench-shop.ts';
import { writeBenchReport } from './write-bench-report.ts';

const gatewayCounts = [1, 2, 4, 8] as const;
const changesPerSecond = 100;
const changesPerBatch = 10;
const warmSeconds = 3;

interface Row {
  readonly gateways: number;
  /** Share of one core, 0..1. */
  readonly catalogCpu: number;
  readonly messages: number;
}

/** Sells one unit of each SKU in turn, at the catalog itself, every change a product of its own. */
async function change(shop: BenchShop, skus: readonly string[], seconds: number): Promise<void> {
  const url = serviceUrl(shop.shop, 'catalog');
  const headers = {
    authorization: `Bearer ${shop.shop.secrets().internalToken}`,
    'content-type': 'application/json',
  };
  const everyMs = (changesPerBatch / changesPerSecond) * 1_000;
  const batches = Math.round((seconds * changesPerSecond) / changesPerBatch);
  const begun = performance.now();
  for (let n = 0; n < batches; n += 1) {
    const batch = Array.from({ length: changesPerBatch }, (_, index) => ({
      checkoutId: crypto.randomUUID(),
      lines: [{ sku: skus[(n * changesPerBatch + index) % skus.length], quantity: 1 }],
    }));
    const answer = await fetch(`${url}/internal/reserve`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ batch }),
    });
    if (!answer.ok) throw new Error(`the catalog answered ${answer.status}`);
    await answer.text();
    const waitMs = begun + (n + 1) * everyMs - performance.now();
    if (waitMs > 0) await sleep(waitMs);
  }
}

async function measure(gateways: number, seconds: number): Promise<Row> {
  const shop = await BenchShop.start({
    DOORBUSTER_GATEWAYS: String(gateways),
    DOORBUSTER_SCALING: 'off',
  });
  try {
    const skus = await shop.stock('FAN', changesPerSecond, 100_000);
    await change(shop, skus, warmSeconds);
    const messages = () => figureOf(serviceUrl(shop.shop, 'catalog'), 'feed_messages');
    const meter = new CpuMeter(() => shop.shop.cluster());
    const [before, begun] = [await messages(), performance.now()];
    await change(shop, skus, seconds);
    const tookSeconds = (performance.now() - begun) / 1_000;
    const catalogCpu = (meter.read()['catalog'] ?? Number.NaN) / tookSeconds;
    return { gateways, catalogCpu, messages: (await messages()) - before };
  } finally {
    await shop.stop();
  }
}

/** Least squares: CPU = base + perGateway × gateways. */
function lineThrough(rows: readonly Pick<Row, 'gateways' | 'catalogCpu'>[]) {
  const n = rows.length;
  const meanX = rows.reduce((sum, { gateways }) => sum + gateways, 0) / n;
  const meanY = rows.reduce((sum, { catalogCpu }) => sum + catalogCpu, 0) / n;
  let [above, below] = [0, 0];
  for (const { gateways, catalogCpu } of rows) {
    above += (gateways - meanX) * (catalogCpu - meanY);
    below += (gateways - meanX) ** 2;
  }
  const perGateway = above / below;
  return { perGateway, base: meanY - perGateway * meanX };
}

export async function benchFanOut(seconds: number): Promise<void> {
  const rows: Row[] = [];
  for (const gateways of gatewayCounts) rows.push(await measure(gateways, seconds));
  const { perGateway, base } = lineThrough(rows);
  const most = gatewayCounts[gatewayCounts.length - 1] ?? 0;
  const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
  writeBenchReport('fan-out', [
    '# What streaming changes to gateways costs the catalog',
    '',
    `${machine()}; ${changesPerSecond} changed products a second for ${seconds} s.`,
    '',
    '| gateways | catalog, of a core | the line says | messages written |',
    '|---|---|---|---|',
    ...rows.map(({ gateways, catalogCpu, messages }) => {
      const line = percent(base + perGateway * gateways);
      return `| ${gateways} | ${percent(catalogCpu)} | ${line} | ${messages} |`;
    }),
    '',
    `The sales themselves take ${percent(base)}; each gateway adds ${percent(perGateway)}, ` +
      `${most} of them ${percent(perGateway * most)} of a core.`,
  ]);
}
