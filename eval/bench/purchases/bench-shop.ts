/** The shop under test: empty, stocked with what the scenarios sell, audited after each of them. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runForJson } from '../../cluster/child-json.ts';
import { type CpuByRole, CpuMeter } from '../../cluster/cpu-meter.ts';
import { type RunningShop, startShop } from '../../cluster/running-shop.ts';
import { ShopClient } from '../../cluster/shop-client.ts';
import { asSuperuser, superuserAccess } from '../../drill/superuser.ts';
import type { PurchaseLoad, PurchaseLoadResult } from '../../load/purchase-load.ts';

const loadScript = path.join(import.meta.dirname, '../../load/purchase-load.ts');
const auditTriesMax = 10;
const busyMs = 2_000;
const header =
  'Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,' +
  'Variant Inventory Qty,Variant Price\n';

export interface Measured extends PurchaseLoadResult {
  readonly cpu: CpuByRole;
  /** WAL bytes of the leader for each order. */
  readonly walBytesPerOrder: number;
}

export class BenchShop {
  readonly shop: RunningShop;
  readonly #owner: ShopClient;

  private constructor(shop: RunningShop, owner: ShopClient) {
    this.shop = shop;
    this.#owner = owner;
  }

  static async start(
    env: Readonly<Record<string, string>> = {},
    home?: string,
  ): Promise<BenchShop> {
    const shop = await startShop({ empty: true, env, ...(home === undefined ? {} : { home }) });
    const owner = new ShopClient(shop.url);
    await owner.signIn('owner@localhost', shop.secrets().ownerPassword);
    return new BenchShop(shop, owner);
  }

  /** `count` products with `quantity` of each; returns their SKUs. */
  async stock(prefix: string, count: number, quantity: number): Promise<string[]> {
    const skus = Array.from({ length: count }, (_, index) => `${prefix}-${index + 1}`);
    const rows = skus.map(
      (sku) =>
        `${sku.toLowerCase()},Product ${sku},<p>x</p>,v,t,,TRUE,Title,Default Title,` +
        `${sku},${quantity},12.99`,
    );
    const { status, body } = await this.#owner.importCsv(header + rows.join('\n'));
    if (status !== 200 || body.errors.length > 0) {
      throw new Error(`stocking failed: ${status} ${JSON.stringify(body).slice(0, 500)}`);
    }
    return skus;
  }

  async load(load: Omit<PurchaseLoad, 'port' | 'seed'>, seed = 1): Promise<Measured> {
    const meter = new CpuMeter(() => this.shop.cluster());
    const walBefore = await this.walPosition();
    const result = await runForJson<PurchaseLoadResult>(loadScript, {
      port: this.shop.port,
      seed,
      ...load,
    });
    const orders = result.statuses[201] ?? 0;
    const wal = (await this.walPosition()) - walBefore;
    const cpu = { ...meter.read(), 'load generator': result.cpuSeconds };
    return { ...result, cpu, walBytesPerOrder: wal / Math.max(1, orders) };
  }

  async walPosition(): Promise<number> {
    const sql = "select pg_current_wal_insert_lsn() - '0/0'::pg_lsn as bytes";
    return Number((await this.superuser('postgres', sql))[0]?.['bytes'] ?? 0);
  }

  /** One statement as the databases' superuser, at the leader. */
  async superuser(database: string, sql: string): Promise<Record<string, unknown>[]> {
    const leader = { host: '127.0.0.1', port: this.leaderPort() };
    const access = superuserAccess(this.shop);
    return asSuperuser(leader, database, access, (superuser) => superuser.query(sql));
  }

  leaderPort(): number {
    return this.shop.cluster().database.leader?.port ?? 0;
  }

  superuserPassword(): string {
    return superuserAccess(this.shop).password;
  }

  /** What the control room shows of scaling. */
  async scalingDecisions<T>(): Promise<readonly T[]> {
    const { status, body } = await this.#owner.call<{ scaling: T[] }>('/api/control/cluster');
    if (status !== 200) throw new Error(`the control room answered ${status}`);
    return body.scaling;
  }

  /**
   * True when every invariant holds now. Throws where the shop cannot answer. Right behind a load
   * it may say that it is too busy, and is asked again.
   */
  async audit(): Promise<boolean> {
    for (let asked = 1; ; asked += 1) {
      const { status, body } = await this.#owner.call<{ holds: boolean }>('/api/admin/integrity');
      if (status === 200) return body.holds;
      if (status !== 503 || asked >= auditTriesMax) {
        throw new Error(`the audit was answered ${status}: ${JSON.stringify(body)}`);
      }
      await sleep(busyMs);
    }
  }

  stop(): Promise<number | null> {
    return this.shop.stop();
  }
}

export function machine(): string {
  const model = /model name\s*:\s*(.+)/.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '?';
  return `${model}, Node ${process.version}`;
}
