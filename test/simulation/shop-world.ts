/** What every part of the simulated shop can reach. */
import type { ClientAnswer } from '../../eval/history/history.ts';
import type { Random } from '../../eval/scaling/random.ts';
import type { DecidedCheckout } from '../../src/queue/purchase-queue.ts';
import type { WorkerLimits, WorkerPorts } from '../../src/services/worker/ports.ts';
import type { CheckoutRequest } from '../../src/shop/checkout.ts';
import type { Scenario } from './scenario.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimulatedNetwork, SimulatedServer } from './simulated-network.ts';
import type { OrdersStore, SimulatedOrders } from './simulated-orders.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import type { SimulatedProvider } from './simulated-provider.ts';
import type { SimulatedStock } from './simulated-stock.ts';

/** What a client sends to buy. */
export interface PurchaseOrder {
  readonly key: string;
  readonly hash: string;
  readonly customer: string | null;
  readonly request: CheckoutRequest;
}

export interface GatewayInstance {
  readonly process: SimulatedProcess;
  buy(order: PurchaseOrder): Promise<ClientAnswer>;
  lookUp(checkoutId: string): Promise<ClientAnswer>;
  /** A worker's hint that these are decided. */
  receive(decided: readonly DecidedCheckout[]): void;
}

export interface WorkerInstance {
  readonly process: SimulatedProcess;
  /** A hint that work came in. */
  notify(arrived: number): void;
  stop(): Promise<void>;
}

/** How a planted bug changes the shop. Without one, every part is as it should be. */
export interface Mutation {
  orders?(store: OrdersStore): OrdersStore;
  stock?(scheduler: Scheduler): SimulatedStock;
  provider?(): SimulatedProvider;
  limits?(limits: WorkerLimits): WorkerLimits;
  workerPorts?(ports: WorkerPorts, world: ShopWorld): WorkerPorts;
}

export interface ShopWorld {
  readonly scenario: Scenario;
  readonly mutation: Mutation;
  readonly limits: WorkerLimits;
  readonly random: Random;
  /** Draws whether a worker finds the processors full. */
  readonly processors: Random;
  readonly scheduler: Scheduler;
  readonly network: SimulatedNetwork;
  readonly orders: SimulatedOrders;
  readonly catalog: SimulatedServer;
  readonly stock: SimulatedStock;
  readonly customers: SimulatedServer;
  /** Versions of carts that were emptied. */
  readonly emptied: Set<string>;
  readonly providerServer: SimulatedServer;
  readonly provider: SimulatedProvider;
  /** The process that all clients live in; it never dies. */
  readonly clients: SimulatedProcess;
  readonly gatewayServers: readonly SimulatedServer[];
  /** By slot; null while the slot's process is dead. */
  readonly gateways: (GatewayInstance | null)[];
  readonly workers: (WorkerInstance | null)[];
  newId(what: string): string;
  trace(line: string): void;
}
