/**
 * The shop under drill: a real cluster of one's own, whose supervisor may be killed and started
 * anew, and whose processes can be found by name.
 */
import { readFileSync, realpathSync, rmSync } from 'node:fs';
import path from 'node:path';
import { clusterFile } from '../../src/kit/cluster/file-directory.ts';
import { freePort } from '../../src/kit/http/free-port.ts';
import {
  type ProcessName,
  processesIn,
  servicesOfHome,
  signal,
  startTimeOf,
} from '../../src/services/supervisor/process-table.ts';
import { makeHome, type RunningShop, startShop } from '../cluster/running-shop.ts';
import { ShopClient } from '../cluster/shop-client.ts';
import type { Address } from '../faults/cable.ts';
import { Network } from '../faults/network.ts';
import type { Assortment } from './shopping.ts';
import { type SuperuserAccess, superuserAccess } from './superuser.ts';

const nodeIds = ['pg-1', 'pg-2', 'pg-3'] as const;
const header =
  'Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,' +
  'Variant Inventory Qty,Variant Price\n';
const ampleSkus = 20;
const ampleUnits = 900_000;
const scarceSkus = 3;
const scarceUnits = 25;

export interface DrilledShopOptions {
  /** Puts a cable of ours between any two processes, so that it can be cut and slowed down. */
  readonly withNetwork: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

export class DrilledShop {
  readonly home: string;
  readonly port: number;
  readonly network: Network | null;
  readonly #env: Readonly<Record<string, string>>;
  #shop: RunningShop | null = null;

  private constructor(home: string, port: number, network: Network | null, env: object) {
    this.home = home;
    this.port = port;
    this.network = network;
    this.#env = env as Readonly<Record<string, string>>;
  }

  static async start({ withNetwork, env = {} }: DrilledShopOptions): Promise<DrilledShop> {
    const home = makeHome();
    const network = withNetwork ? new Network(clusterFile(home), path.join(home, 'views')) : null;
    const views = network === null ? {} : { DOORBUSTER_CLUSTER_VIEWS: network.folder };
    const shop = new DrilledShop(home, await freePort(), network, { ...views, ...env });
    await network?.plugInNodes(nodeIds, (id) => shop.#addressOf(id));
    process.once('SIGINT', shop.#breakOff).once('SIGTERM', shop.#breakOff);
    await shop.startSupervisor();
    return shop;
  }

  /** Whoever breaks a drill off must not leave a cluster behind. */
  readonly #breakOff = (): void => {
    void this.stop(false).finally(() => process.exit(130));
  };

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get cluster() {
    return this.#running().cluster();
  }

  get superuser(): SuperuserAccess {
    return superuserAccess(this.#running());
  }

  get paymentLedgerFile(): string {
    return path.join(this.home, 'payments', 'test-ledger.txt');
  }

  #running(): RunningShop {
    if (this.#shop === null) throw new Error('the shop was never started');
    return this.#shop;
  }

  /** Resolves when it says "ready". The home stays ours whatever becomes of the supervisor. */
  async startSupervisor(): Promise<void> {
    const { home, port } = this;
    this.#shop = await startShop({ home, port, empty: true, env: this.#env });
  }

  /** Signed in as the owner. */
  async owner(): Promise<ShopClient> {
    const owner = new ShopClient(this.url);
    await owner.signIn('owner@localhost', this.#running().secrets().ownerPassword);
    return owner;
  }

  async stock(): Promise<Assortment> {
    const names = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, index) => `${prefix}-${index + 1}`);
    const [ample, scarce] = [names('AMPLE', ampleSkus), names('SCARCE', scarceSkus)];
    const rows = [
      ...ample.map((sku) => ({ sku, units: ampleUnits })),
      ...scarce.map((sku) => ({ sku, units: scarceUnits })),
    ].map(
      ({ sku, units }) =>
        `${sku.toLowerCase()},Toy ${sku},<p>x</p>,v,t,,TRUE,Title,Default Title,` +
        `${sku},${units},12.99`,
    );
    const { status, body } = await (await this.owner()).importCsv(header + rows.join('\n'));
    if (status !== 200 || body.errors.length > 0) {
      throw new Error(`stocking failed: ${status} ${JSON.stringify(body).slice(0, 500)}`);
    }
    return { ample, scarce };
  }

  get supervisor(): ProcessName | null {
    const pid = this.#running().supervisorPid;
    const startTime = startTimeOf(pid);
    return startTime === null ? null : { pid, startTime };
  }

  /** The living process of a service instance, by what the cluster's file says; null if none. */
  service(id: string): ProcessName | null {
    const pid = this.cluster.services.find((each) => each.id === id)?.pid;
    return servicesOfHome(this.home).find((each) => each.pid === pid) ?? null;
  }

  /** Ids of all instances of a role. */
  instances(role: string): string[] {
    return this.cluster.services.filter((each) => each.role === role).map(({ id }) => id);
  }

  /** Every process of a database node: the postmaster and its children. */
  node(id: string): ProcessName[] {
    return processesIn(this.#dataOf(id)).flatMap((pid) => {
      const startTime = startTimeOf(pid);
      return startTime === null ? [] : [{ pid, startTime }];
    });
  }

  postmasterPid(id: string): number {
    return Number(this.#postmasterFile(id)[0]);
  }

  /** Null while the node is down. */
  #addressOf(id: string): Address | null {
    try {
      return { host: '127.0.0.1', port: Number(this.#postmasterFile(id)[3]) };
    } catch {
      return null;
    }
  }

  /** Its lines: pid, data directory, start time, port, … */
  #postmasterFile(id: string): string[] {
    return readFileSync(path.join(this.#dataOf(id), 'postmaster.pid'), 'utf8').split('\n');
  }

  #dataOf(id: string): string {
    return path.join(realpathSync(path.join(this.home, 'pg')), id, 'data');
  }

  get nodeIds(): readonly string[] {
    return nodeIds;
  }

  log(id: string): string {
    return readFileSync(path.join(this.home, 'logs', `${id}.log`), 'utf8');
  }

  /** Stops what runs, whoever started it, and removes the home unless it is wanted as evidence. */
  async stop(keepHome: boolean): Promise<void> {
    process.off('SIGINT', this.#breakOff).off('SIGTERM', this.#breakOff);
    await this.#shop?.stop();
    for (const each of servicesOfHome(this.home)) signal(each, 'SIGKILL');
    for (const id of nodeIds) for (const each of this.node(id)) signal(each, 'SIGKILL');
    await this.network?.close();
    if (!keepHome) rmSync(this.home, { recursive: true, force: true });
  }
}
