/**
 * A gateway process: the real purchase code (attempt, admission, key memory, shares of clients,
 * intake batcher, outcome subscriber, look-ups), wired to simulated services.
 */

import type { ClientAnswer } from '../../eval/history/history.ts';
import { StaticDirectory } from '../../src/kit/cluster/directory.ts';
import type { AdmissionPorts } from '../../src/services/gateway/purchase/admission.ts';
import { PurchaseHandler } from '../../src/services/gateway/purchase/purchase-handler.ts';
import type { Visitor } from '../../src/services/gateway/visitor/request-context.ts';
import { clientOf } from './internal-calls.ts';
import type { GatewayInstance, PurchaseOrder, ShopWorld } from './shop-world.ts';
import { type Asked, SimulatedExchange } from './simulated-exchange.ts';
import { Unreachable } from './simulated-network.ts';
import type { SimulatedProcess } from './simulated-process.ts';

const holdSeconds = 3;
const queueSecondsMax = 3_600;

export class SimulatedGateway implements GatewayInstance {
  readonly process: SimulatedProcess;
  readonly directory: StaticDirectory;
  readonly #world: ShopWorld;
  readonly #purchases: PurchaseHandler;

  constructor(world: ShopWorld, process: SimulatedProcess) {
    this.process = process;
    this.#world = world;
    this.directory = new StaticDirectory(world.cluster);
    const client = clientOf(world, process, this.directory);
    this.#purchases = new PurchaseHandler({
      directory: this.directory,
      client: world.mutation.gatewayCalls?.(client) ?? client,
      gatewayId: process.name,
      stock: stockFor(world, process),
      expiryMs: world.scenario.expiryMs,
      queueSecondsMax,
      limitsClients: true,
      onDefect: (error) => {
        if (!(error instanceof Unreachable)) throw error; // a bug ends the simulation
      },
      time: process.time,
      newId: (now) => world.newUuid(now),
      batcherLimits: world.scenario.batcherLimits,
    });
  }

  /** `POST /api/orders`. */
  buy({ rawKey, body, customer, network }: PurchaseOrder): Promise<ClientAnswer> {
    const headers = { 'idempotency-key': rawKey, prefer: `wait=${holdSeconds}` };
    const email = `${customer}@example.com`;
    const principal =
      customer === null ? null : { customerId: customer, email, role: 'customer' as const };
    const asked: Asked = { method: 'POST', url: '/api/orders', headers };
    return this.#exchange(asked, (exchange) => {
      const client = { address: network, network, scheme: 'http', host: '' } as const;
      const visitor: Visitor = { requestId: '', principal, client };
      this.#purchases.buy(exchange.request, exchange.response, visitor);
      exchange.sendBody(body);
    });
  }

  /** `GET /api/checkouts/{id}`. */
  lookUp(checkoutId: string): Promise<ClientAnswer> {
    const client = { address: '', network: '', scheme: 'http', host: '' } as const;
    const asked: Asked = { method: 'GET', url: `/api/checkouts/${checkoutId}` };
    return this.#exchange(asked, ({ request, response }) =>
      this.#purchases.checkout(request, response, { requestId: '', principal: null, client }),
    );
  }

  #exchange(asked: Asked, begin: (exchange: SimulatedExchange) => void): Promise<ClientAnswer> {
    const exchange = new SimulatedExchange(asked, () =>
      this.#world.complain('doubled', asked.url, 'one request was answered twice'),
    );
    begin(exchange);
    this.process.time.schedule(this.#world.scenario.patienceMs, () => exchange.hangUp());
    return exchange.answer;
  }
}

/** What the gateway's board of stock knows: everything, or that a SKU exists and no more. */
function stockFor(world: ShopWorld, process: SimulatedProcess): AdmissionPorts['stock'] {
  const { stock, network, catalog, scenario } = world;
  const isLive = world.boards.next() < 0.5;
  return {
    knowsAll: (lines) => lines.every(({ sku }) => stock.sells(sku)),
    firstUnknown: (skus) =>
      network
        .call(process, catalog, scenario.callDeadlineMs, async () => {
          return skus.find((sku) => !stock.sells(sku)) ?? null;
        })
        .catch(() => null),
    soldOut: (sku, quantity = 1) => (isLive ? stock.soldOut(sku, quantity) : null),
  };
}
