/** What every part of the simulated shop can reach. */
import type { ClientAnswer } from '../../eval/history/history.ts';
import type { ViolationKind } from '../../eval/history/violation.ts';
import type { Random } from '../../eval/scaling/random.ts';
import type { CartToBuy } from '../../src/api/internal/customers-routes.ts';
import type { ClusterState, StaticDirectory } from '../../src/kit/cluster/directory.ts';
import type { CallOptions, InternalClient } from '../../src/kit/http/internal-client.ts';
import type { Route } from '../../src/kit/http/route.ts';
import type { OutcomeBoard } from '../../src/services/orders/outcome-board.ts';
import type { WorkerLimits, WorkerPorts } from '../../src/services/worker/ports.ts';
import type { CheckoutLine } from '../../src/shop/checkout.ts';
import type { Scenario } from './scenario.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimulatedNetwork, SimulatedServer } from './simulated-network.ts';
import type { OrdersStore, SimulatedOrders } from './simulated-orders.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import type { SimulatedProvider } from './simulated-provider.ts';
import type { SimulatedStock } from './simulated-stock.ts';
import type { SimulatedStream } from './simulated-stream.ts';

/** What a client sends to buy. */
export interface PurchaseOrder {
  /** The Idempotency-Key header. */
  readonly rawKey: string;
  /** As the shop keeps it. */
  readonly key: string;
  readonly customer: string | null;
  readonly network: string;
  /** The lines that are named, or those of the cart. */
  readonly lines: readonly CheckoutLine[];
  readonly body: string;
}

export interface GatewayInstance {
  readonly process: SimulatedProcess;
  readonly directory: StaticDirectory;
  buy(order: PurchaseOrder): Promise<ClientAnswer>;
  lookUp(checkoutId: string): Promise<ClientAnswer>;
}

/** A process of the orders service. */
export interface OrdersInstance {
  readonly process: SimulatedProcess;
  answer(route: Route, options: CallOptions<Route>): Promise<unknown>;
  attach(stream: SimulatedStream, gateway: string): SimulatedStream;
  /** Outcome lines from a worker. */
  receive(lines: Buffer): void;
}

/** Where an instance of the orders service runs, whether one runs there now or not. */
export interface OrdersSlot {
  readonly server: SimulatedServer;
  service: OrdersInstance | null;
  ask(route: Route, options: CallOptions<Route>): Promise<unknown>;
  attach(
    make: (writer: SimulatedProcess) => SimulatedStream,
    gateway: string,
  ): Promise<SimulatedStream>;
}

export interface WorkerInstance {
  readonly process: SimulatedProcess;
  /** A hint that work came in. */
  notify(arrived: number): void;
  stop(): Promise<void>;
}

/** What is different in the shop: a planted bug, or a real database. */
export interface Mutation {
  orders?(store: OrdersStore, scheduler: Scheduler): OrdersStore;
  /** How a gateway reaches the other services. */
  gatewayCalls?(client: InternalClient): InternalClient;
  board?(): OutcomeBoard;
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
  /** Draws whether a gateway knows how much is left. */
  readonly boards: Random;
  readonly sessionKey: Uint8Array;
  /** As the supervisor publishes it. */
  readonly cluster: ClusterState;
  readonly scheduler: Scheduler;
  readonly network: SimulatedNetwork;
  readonly orders: SimulatedOrders;
  readonly ordersSlots: readonly OrdersSlot[];
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
  /** By the address of an instance. */
  ordersOf(url: string): OrdersSlot;
  notifyWorkers(arrived: number): void;
  cartToBuy(id: string): CartToBuy | null;
  addCart(id: string, lines: readonly CheckoutLine[]): void;
  newId(what: string): string;
  newUuid(now: number): string;
  /** A promise was broken: at this moment, not only in what is left at the end. */
  complain(kind: ViolationKind, subject: string, detail: string): void;
  trace(line: string): void;
}
