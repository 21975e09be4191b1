/**
 * One history: a whole shop of real pipeline code on a simulated machine park, from one seed.
 *
 * It runs in three parts: *trouble* (purchases, restocks, cancels, price changes, faults), *repair*
 * (no more faults; dead processes are restarted; ends when nothing waits any more), *echo* (all
 * processes are gone; messages that still travel arrive). Then the checker judges what clients saw
 * and what the databases hold. A few things are watched all along.
 */
import { checkHistory } from '../../eval/history/check-history.ts';
import type { Violation, ViolationKind } from '../../eval/history/violation.ts';
import {
  createRandom,
  exponential,
  type Random,
  uniformInteger,
} from '../../eval/scaling/random.ts';
import type { CartToBuy } from '../../src/api/internal/customers-routes.ts';
import { type ClusterState, emptyCluster } from '../../src/kit/cluster/directory.ts';
import type { CheckoutLine } from '../../src/shop/checkout.ts';
import type { OrderAction } from '../../src/shop/order.ts';
import { MemoryQueue } from '../queue/memory-queue.ts';
import { startFaults } from './faults.ts';
import { judgeRun } from './judge-run.ts';
import { newOrdersSlot } from './orders-slot.ts';
import type { Scenario } from './scenario.ts';
import { Scheduler } from './scheduler.ts';
import type {
  GatewayInstance,
  Mutation,
  OrdersSlot,
  ShopWorld,
  WorkerInstance,
} from './shop-world.ts';
import { SimulatedClients } from './simulated-client.ts';
import { SimulatedGateway } from './simulated-gateway.ts';
import { newServer, SimulatedNetwork, type SimulatedServer } from './simulated-network.ts';
import { SimulatedOrders } from './simulated-orders.ts';
import { SimulatedOrdersService } from './simulated-orders-service.ts';
import { SimulatedProcess } from './simulated-process.ts';
import { SimulatedProvider } from './simulated-provider.ts';
import { SimulatedStock } from './simulated-stock.ts';
import { SimulatedWorker } from './simulated-worker.ts';

const startOfTime = Date.UTC(2026, 0, 1);
const repairMsMax = 30 * 60_000;
const restCheckMs = 1_000;
const roundsMax = 5;
const restartMsMean = 1_000;
/** Until the supervisor has seen that a process died. */
const noticeMsMean = 300;
/** Of the SKUs. */
const uncountedShare = 0.15;
const traceLinesMax = 20_000;

export interface ShopRun {
  readonly violations: readonly Violation[];
  readonly scenario: Scenario;
  readonly trace: readonly string[];
  readonly figures: RunFigures;
}

export interface RunFigures {
  readonly events: number;
  readonly simulatedMs: number;
  readonly placed: number;
  readonly rejected: number;
  readonly crashes: number;
}

export class SimulatedShop implements ShopWorld {
  readonly scenario: Scenario;
  readonly mutation: Mutation;
  readonly limits: Scenario['workerLimits'];
  readonly random: Random;
  readonly processors: Random;
  readonly boards: Random;
  readonly sessionKey = new Uint8Array(32);
  cluster: ClusterState = emptyCluster;
  readonly scheduler = new Scheduler(startOfTime);
  readonly network: SimulatedNetwork;
  readonly orders: SimulatedOrders;
  readonly ordersSlots: OrdersSlot[] = [];
  readonly catalog = newServer('the catalog');
  readonly stock: SimulatedStock;
  readonly customers = newServer('the customers service');
  readonly emptied = new Set<string>();
  readonly #carts = new Map<string, CartToBuy & { readonly version: string }>();
  readonly providerServer = newServer('the payment provider');
  readonly provider: SimulatedProvider;
  readonly clients: SimulatedProcess;
  readonly gatewayServers: SimulatedServer[] = [];
  readonly gateways: (GatewayInstance | null)[] = [];
  readonly workers: (WorkerInstance | null)[] = [];
  readonly #buyers: SimulatedClients;
  readonly #seed: number;
  readonly #watched: Violation[] = [];
  readonly #traced: string[] | null;
  #part: 'trouble' | 'repair' | 'echo' = 'trouble';
  #lastId = 0;
  #crashes = 0;
  #simulatedMs = 0;

  constructor(seed: number, scenario: Scenario, mutation: Mutation = {}, traces = false) {
    this.#seed = seed;
    this.scenario = scenario;
    this.mutation = mutation;
    this.limits = mutation.limits?.(scenario.workerLimits) ?? scenario.workerLimits;
    this.random = createRandom(seed, 'history');
    this.processors = createRandom(seed, 'processors');
    this.boards = createRandom(seed, 'boards');
    this.#traced = traces ? [] : null;
    this.network = new SimulatedNetwork(this.scheduler, this.random, scenario.network);
    const queue = new MemoryQueue();
    const store = mutation.orders?.(queue, this.scheduler) ?? queue;
    this.orders = new SimulatedOrders(store, this.scheduler, this.network);
    this.stock = mutation.stock?.(this.scheduler) ?? new SimulatedStock();
    this.provider = mutation.provider?.() ?? new SimulatedProvider();
    this.clients = new SimulatedProcess('clients', this.scheduler);
    this.#buyers = new SimulatedClients(
      this,
      createRandom(seed, 'expecting'),
      createRandom(seed, 'carting'),
    );
  }

  newId(what: string): string {
    this.#lastId += 1;
    return `${what}-${this.#lastId}`;
  }

  newUuid(now: number): string {
    this.#lastId += 1;
    const time = Math.floor(now).toString(16).padStart(12, '0');
    const count = String(this.#lastId).padStart(12, '0');
    return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${count}`;
  }

  addCart(id: string, lines: readonly CheckoutLine[]): void {
    const version = this.newUuid(this.scheduler.now);
    this.#carts.set(id, { customerId: null, lines, cart: { key: version, version }, version });
  }

  cartToBuy(id: string): CartToBuy | null {
    const cart = this.#carts.get(id) ?? null;
    const isEmptied = cart !== null && this.emptied.has(cart.version);
    return isEmptied ? { ...cart, lines: [], cart: null } : cart;
  }

  ordersOf(url: string): OrdersSlot {
    const found = this.ordersSlots.find(({ server }) => server.name === url);
    if (found === undefined) throw new Error(`nothing listens at ${url}`);
    return found;
  }

  complain(kind: ViolationKind, subject: string, detail: string): void {
    this.#watched.push({ kind, subject, detail });
  }

  trace(line: string): void {
    if (this.#traced === null || this.#traced.length >= traceLinesMax) return;
    const at = Math.round(this.scheduler.now - startOfTime);
    this.#traced.push(`${String(at).padStart(8)} ms  ${line}`);
  }

  async run(): Promise<ShopRun> {
    this.#open();
    await this.scheduler.run(startOfTime + this.scenario.spanMs, () => this.#watch());
    // an intake that arrives in the echo is accepted, so it must be decided: once more, then
    for (let rounds = 0; rounds < roundsMax && this.#watched.length === 0; rounds += 1) {
      await this.#runRepair();
      await this.#runEcho();
      if (await this.orders.isAtRest()) break;
    }
    return this.#judge();
  }

  async #runRepair(): Promise<void> {
    this.#part = 'repair';
    this.trace('repair');
    this.#repair();
    for (let slot = 0; slot < this.scenario.workers; slot += 1) this.#startWorker(slot);
    for (const slot of this.ordersSlots) this.#startOrders(slot);
    for (let slot = 0; slot < this.scenario.gateways; slot += 1) this.#startGateway(slot);
    let isAtRest = false;
    const look = async (): Promise<void> => {
      isAtRest = this.#buyers.shopping === 0 && (await this.orders.isAtRest());
      if (!isAtRest && this.#part === 'repair') this.scheduler.after(restCheckMs, look);
    };
    look();
    const until = this.scheduler.now + repairMsMax;
    await this.scheduler.run(until, () => isAtRest || this.#watch());
    this.#simulatedMs = this.scheduler.now - startOfTime;
  }

  async #runEcho(): Promise<void> {
    this.#part = 'echo';
    this.trace('echo');
    const services = this.ordersSlots.map(({ service }) => service);
    for (const each of [...this.workers, ...this.gateways, ...services]) each?.process.kill();
    await this.scheduler.run(Infinity, () => this.#watch());
  }

  #open(): void {
    const { scenario, random, scheduler } = this;
    const counting = createRandom(this.#seed, 'counting');
    for (let number = 1; number <= scenario.skus; number += 1) {
      const units = uniformInteger(random, 0, scenario.unitsMax);
      const price = uniformInteger(random, 1, 50) * 100;
      this.stock.add(`SKU-${number}`, price, units, counting.next() > uncountedShare);
    }
    for (let slot = 0; slot < scenario.workers; slot += 1) this.#startWorker(slot);
    for (let slot = 0; slot < scenario.ordersServices; slot += 1) {
      this.ordersSlots.push(newOrdersSlot(`http://orders-${slot}`));
    }
    for (const slot of this.ordersSlots) this.#startOrders(slot);
    for (let slot = 0; slot < scenario.gateways; slot += 1) {
      this.gatewayServers.push(newServer(`gateway ${slot}`));
      this.#startGateway(slot);
    }
    this.#planPurchases();
    this.#plan(scenario.deadPurchases, () => this.#attack());
    this.#plan(scenario.restocks, () => this.#restock());
    this.#plan(scenario.restocks, () => this.#changePrice());
    this.#plan(scenario.cancels, () => this.#changeOrder());
    startFaults(this, () => this.#part !== 'trouble');
    scheduler.after(scenario.spanMs, () => {});
  }

  #planPurchases(): void {
    const { scenario, random, scheduler } = this;
    let planned = 0;
    while (planned < scenario.purchases) {
      const at = random.next() * scenario.spanMs;
      const burst = uniformInteger(random, 1, scenario.burstMax);
      for (let each = 0; each < burst && planned < scenario.purchases; each += 1) {
        planned += 1;
        const name = `purchase-${planned}`;
        const after = Math.min(scenario.spanMs, at + exponential(random, scenario.burstMs));
        scheduler.after(after, () => this.#buyers.visit(name));
      }
    }
  }

  #plan(times: number, happening: () => void): void {
    for (let each = 0; each < times; each += 1) {
      this.scheduler.after(this.random.next() * this.scenario.spanMs, happening);
    }
  }

  /** A slot's process is started again whenever it died, as the supervisor would. */
  #startWorker(slot: number): void {
    if (this.workers[slot]?.process.isDead === false) return;
    const process = this.#newProcess(`worker ${slot}`, () => {
      this.workers[slot] = null;
      this.#restart(() => this.#startWorker(slot));
    });
    this.workers[slot] = new SimulatedWorker(this, process);
  }

  #startGateway(slot: number): void {
    if (this.gateways[slot]?.process.isDead === false) return;
    const server = this.gatewayServers[slot] as SimulatedServer;
    const process = this.#newProcess(server.name, () => {
      this.gateways[slot] = null;
      server.isUp = false;
      this.#restart(() => this.#startGateway(slot));
    });
    this.gateways[slot] = new SimulatedGateway(this, process);
    server.isUp = true;
  }

  #startOrders(slot: OrdersSlot): void {
    if (slot.service?.process.isDead === false) return;
    const process = this.#newProcess(slot.server.name, () => {
      slot.service = null;
      slot.server.isUp = false;
      this.scheduler.after(exponential(this.random, noticeMsMean), () => this.#publish());
      this.#restart(() => this.#startOrders(slot));
    });
    slot.service = new SimulatedOrdersService(this, process);
    slot.server.isUp = true;
    this.#publish();
  }

  /** The instances of the orders service that run, to every gateway. */
  #publish(): void {
    const living = this.ordersSlots.filter(({ service }) => service !== null);
    const services = living.map(({ server: { name } }) => {
      return { id: name, role: 'orders', url: name, state: 'ready', pid: 1, since: '' } as const;
    });
    const cluster = { ...this.cluster, revision: this.cluster.revision + 1, services };
    this.cluster = cluster;
    for (const gateway of this.gateways) {
      gateway?.process.deliver(() => gateway.directory.set(cluster));
    }
  }

  #newProcess(name: string, onDeath: () => void): SimulatedProcess {
    const skew = this.scenario.clockSkewMsMax;
    const clockSkewMs = skew === 0 ? 0 : uniformInteger(this.random, -skew, skew);
    const process = new SimulatedProcess(this.newId(name), this.scheduler, clockSkewMs, () => {
      this.#crashes += 1;
      this.trace(`${process.name} is dead`);
      onDeath();
    });
    return process;
  }

  #restart(start: () => void): void {
    if (this.#part === 'echo') return;
    this.scheduler.after(exponential(this.random, restartMsMean), () => {
      if (this.#part !== 'echo') start();
    });
  }

  notifyWorkers(arrived: number): void {
    for (const worker of this.workers) {
      if (worker !== null) this.network.send(worker.process, () => worker.notify(arrived));
    }
  }

  #attack(): void {
    const attacker = uniformInteger(this.random, 1, this.scenario.attackers);
    this.#buyers.attack(this.newId('attack'), attacker);
  }

  #restock(): void {
    const sku = `SKU-${uniformInteger(this.random, 1, this.scenario.skus)}`;
    const units = uniformInteger(this.random, 1, this.scenario.unitsMax);
    const key = this.newId('restock');
    const { clients, catalog, network } = this;
    const again = (): Promise<void> =>
      network
        .call(clients, catalog, 5_000, () => this.stock.restock(sku, units, key))
        .catch(() => again()); // by its key, until it is known to be done
    again();
  }

  #changePrice(): void {
    const sku = `SKU-${uniformInteger(this.random, 1, this.scenario.skus)}`;
    this.stock.setPrice(sku, uniformInteger(this.random, 1, 50) * 100);
  }

  #changeOrder(): void {
    const { placed } = this.orders;
    const id = placed[uniformInteger(this.random, 0, placed.length - 1)];
    const actions: readonly OrderAction[] = ['cancel', 'cancel', 'refund', 'fulfil'];
    const action = actions[uniformInteger(this.random, 0, actions.length - 1)];
    if (id === undefined || action === undefined) return;
    this.trace(`admin: ${action} ${id}`);
    void this.orders.change(id, action);
  }

  /** Faults end; what is paused or down comes back by itself, as its fault planned. */
  #repair(): void {
    this.network.conditions = {
      ...this.scenario.network,
      late: 0,
      requestLost: 0,
      replyLost: 0,
      callerDies: 0,
    };
  }

  /** What must hold at every moment. True where it does not: the history is over. */
  #watch(): boolean {
    const sku = this.stock.oversold();
    if (sku !== null) this.complain('oversold', sku, 'less than nothing was available');
    for (const seq of this.orders.decidedTwice) this.complain('doubled', seq, 'was decided twice');
    for (const key of this.provider.quarrels) {
      this.complain('wrong-price', key, 'charged for two amounts');
    }
    return this.#watched.length > 0;
  }

  async #judge(): Promise<ShopRun> {
    const books = await this.orders.inspect();
    const records = { ...books, ...this.stock.inspect(), payments: this.provider.inspect() };
    const { operations } = this.#buyers;
    const history = { operations, records };
    const watched = this.#watched;
    const violations = watched.length > 0 ? watched : checkHistory(history, { atRest: true });
    const { orders, emptied, scenario } = this;
    const run = { mode: scenario.mode, operations, orders, books, emptied };
    return {
      violations: [...violations, ...judgeRun(run)],
      scenario: this.scenario,
      trace: this.#traced ?? [],
      figures: {
        events: this.scheduler.eventCount,
        simulatedMs: this.#simulatedMs,
        placed: books.orders.length,
        rejected: books.rejections.length,
        crashes: this.#crashes,
      },
    };
  }
}
