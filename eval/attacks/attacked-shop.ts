/** A whole shop with its limits on, an attacker in a process of its own, and an honest buyer. */
import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import type { ClusterReport } from '../../src/api/control.ts';
import type { IntegrityReport } from '../../src/api/integrity.ts';
import { type RunningShop, startShop } from '../cluster/running-shop.ts';
import { defectsIn } from '../cluster/service-logs.ts';
import { ShopClient } from '../cluster/shop-client.ts';
import type { Answers, Attack, AttackTarget } from './attack.ts';
import type { AttackOrder } from './attack-process.ts';
import {
  type Account,
  buyHonestly,
  type HonestBuyer,
  type HonestRecord,
  honestAddress,
} from './honest-buyer.ts';
import { sendRequest } from './send-request.ts';

const sku = 'BESIEGED';
const pagePath = '/products/besieged';
const csv =
  'Handle,Title,Published,Variant SKU,Variant Inventory Qty,Variant Price\n' +
  `besieged,Besieged teddy,TRUE,${sku},1000000,5.00\n`;

export interface Outcome {
  readonly attack: string;
  readonly honest: readonly HonestRecord[];
  readonly answers: Answers;
}

export class AttackedShop {
  readonly #shop: RunningShop;
  readonly #attacker: ChildProcess;
  readonly #owner: ShopClient;
  readonly #accounts: readonly Account[];
  readonly #cookie: string;

  private constructor(
    shop: RunningShop,
    attacker: ChildProcess,
    owner: ShopClient,
    accounts: readonly Account[],
    cookie: string,
  ) {
    this.#shop = shop;
    this.#attacker = attacker;
    this.#owner = owner;
    this.#accounts = accounts;
    this.#cookie = cookie;
  }

  static async start(env: Readonly<Record<string, string>> = {}): Promise<AttackedShop> {
    const shop = await startShop({
      empty: true,
      env: {
        DOORBUSTER_RATE_LIMIT: 'on',
        DOORBUSTER_TEST_PAYMENTS: 'on',
        DOORBUSTER_HOSTS: 'shop.example',
        ...env,
      },
    });
    try {
      const owner = new ShopClient(shop.url);
      const ownerAccount = { email: 'owner@localhost', password: shop.secrets().ownerPassword };
      await owner.signIn(ownerAccount.email, ownerAccount.password);
      await owner.importCsv(csv);
      const accounts = [{ email: 'ada@example.com', password: 'analytical engine' }, ownerAccount];
      const body = { ...accounts[0], name: 'Ada' };
      await new ShopClient(shop.url).call('/api/customers', { body });
      // The accounts know her address from now on, as they know the address of most who come back.
      for (const account of accounts) {
        await sendRequest(shop.port, { from: honestAddress, path: '/api/sessions', body: account });
      }
      const page = await sendRequest(shop.port, { from: honestAddress, path: pagePath });
      const cookie = page.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
      const attacker = fork(path.join(import.meta.dirname, 'attack-process.ts'));
      await once(attacker, 'message');
      return new AttackedShop(shop, attacker, owner, accounts, cookie);
    } catch (error) {
      await shop.stop();
      throw error;
    }
  }

  /** Null: the honest buyer alone. */
  async attack(attack: Attack | null, seconds: number): Promise<Outcome> {
    const target: AttackTarget = {
      port: this.#shop.port,
      sku,
      staffCookie: this.#owner.cookie ?? '',
      keyPrefix: `${randomUUID()}-`,
    };
    const name = attack?.name ?? 'nothing';
    const order: AttackOrder = { name, target, milliseconds: seconds * 1_000 };
    const attacked = attack === null ? [{}] : once(this.#attacker, 'message');
    if (attack !== null) this.#attacker.send(order);
    const buyer: HonestBuyer = { pagePath, accounts: this.#accounts, cookie: this.#cookie };
    const honest = await buyHonestly(target, buyer, seconds);
    const [answers] = (await attacked) as [Answers];
    return { attack: name, honest, answers };
  }

  async integrity(): Promise<IntegrityReport> {
    const { status, body } = await this.#owner.call<IntegrityReport>('/api/admin/integrity');
    if (status !== 200) throw new Error(`no integrity report: ${status} ${JSON.stringify(body)}`);
    return body;
  }

  /** Checkouts that are not decided. */
  async undecided(): Promise<number> {
    const { body } = await this.#owner.call<ClusterReport>('/api/control/cluster');
    return body.queue.depth;
  }

  /** Ids and process ids of the services that serve. */
  processes(): readonly string[] {
    return this.#shop.cluster().services.map(({ id, pid }) => `${id} ${pid}`);
  }

  /** What the services call their own fault. */
  defects(): readonly string[] {
    return defectsIn(this.#shop.home);
  }

  async stop(): Promise<number | null> {
    this.#attacker.disconnect();
    return await this.#shop.stop();
  }
}
