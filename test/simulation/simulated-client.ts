/**
 * Those who buy: they ask, lose patience, ask again with the same key at another gateway, click
 * twice, poll, come back later to ask once more, and now and then use a key for two purchases.
 * Whatever they are told is written down.
 */

import type { ClientAnswer, ClientOperation } from '../../eval/history/history.ts';
import { exponential, type Random, uniformInteger } from '../../eval/scaling/random.ts';
import type { PurchaseRequest } from '../../src/api/order.ts';
import { readPurchase } from '../../src/services/gateway/purchase/purchase-request.ts';
import type { CheckoutLine } from '../../src/shop/checkout.ts';
import {
  brokenToken,
  deadToken,
  poisons,
  stubborn,
  undigestibleSku,
  unloggable,
} from './poison.ts';
import type { GatewayInstance, PurchaseOrder, ShopWorld } from './shop-world.ts';
import { drawToken } from './simulated-worker.ts';

const asksMax = 8;
const pollsMax = 12;

const shippingAddress = {
  name: 'Ada',
  line1: '12 St James Square',
  city: 'London',
  postalCode: 'SW1Y 4JH',
  country: 'GB',
};

interface Wish {
  readonly rawKey: string;
  readonly customer: string | null;
  readonly lines: readonly CheckoutLine[];
  readonly request: PurchaseRequest;
}

export class SimulatedClients {
  readonly #world: ShopWorld;
  readonly #random: Random;
  /** Draws who names the total that they were shown. */
  readonly #expecting: Random;
  /** Draws who buys a cart, and in how many tabs. */
  readonly #carting: Random;
  readonly operations: ClientOperation[] = [];
  /** Purchases that go on. */
  shopping = 0;

  constructor(world: ShopWorld, expecting: Random, carting: Random) {
    this.#carting = carting;
    this.#world = world;
    this.#expecting = expecting;
    this.#random = world.random;
  }

  /** One buyer comes; resolves when they leave. */
  async visit(name: string): Promise<void> {
    this.shopping += 1;
    const isTroubled = this.#world.scenario.mode === 'troubled';
    const wish = this.#drawWish(name);
    const order = orderOf(wish);
    const visits = [this.#buy(order)];
    if (this.#random.next() < 0.15) visits.push(this.#buy(order)); // a double click
    if (isTroubled && this.#random.next() < 0.05) {
      visits.push(this.#buy(orderOf(this.#drawWish(name)))); // one key for two purchases
    }
    if (this.#carting.next() < 0.15) visits.push(...this.#buyCart(wish));
    await Promise.all(visits);
    if (this.#random.next() < 0.2) await this.#buy(order); // the same answer again, for ever
    this.shopping -= 1;
  }

  /** One of `attackers` buyers buys with a payment that nobody will ever answer. */
  async attack(name: string, attacker: number): Promise<void> {
    const payment = { method: 'test' as const, token: deadToken };
    const lines = [{ sku: 'SKU-1', quantity: 1 }];
    const email = `attacker-${attacker}@example.com`;
    const request: PurchaseRequest = { lines, email, shippingAddress, payment };
    this.shopping += 1;
    await this.#buy(orderOf({ rawKey: name, customer: null, lines, request }));
    this.shopping -= 1;
  }

  /** One cart in two or three tabs, each with a key of its own. */
  #buyCart({ rawKey, customer, lines, request }: Wish): Promise<void>[] {
    const { lines: _lines, ...asked } = request;
    this.#world.addCart(rawKey, lines);
    return Array.from({ length: uniformInteger(this.#carting, 2, 3) }, async (_, tab) => {
      if (this.#carting.next() < 0.5) await this.#pause();
      const token = drawToken(this.#carting, this.#world.scenario.mode === 'troubled');
      const paid = { ...asked, cartId: rawKey, payment: { ...request.payment, token } };
      const inTab = `${rawKey}-in-tab-${tab}`;
      await this.#buy(orderOf({ rawKey: inTab, customer, lines, request: paid }));
    });
  }

  #drawWish(name: string): Wish {
    const { scenario } = this.#world;
    const dice = this.#random.next() / scenario.poison;
    const poison = poisons[Math.floor(dice * poisons.length)];
    const lines = this.#drawLines();
    if (poison === 'undigestible') lines.push({ sku: undigestibleSku, quantity: 1 });
    const isTroubled = scenario.mode === 'troubled';
    const token = poison === 'broken' ? brokenToken : drawToken(this.#random, isTroubled);
    const customer = poison === unloggable || poison === stubborn ? poison : null;
    const email = `${name}@example.com`;
    const payment = { method: 'test' as const, token };
    const price = this.#world.stock.priceOf(lines);
    const expectedTotal =
      price !== null && this.#expecting.next() < 0.5 ? { expectedTotal: price } : {};
    const request: PurchaseRequest = { lines, email, shippingAddress, payment, ...expectedTotal };
    return { rawKey: name, customer, lines, request };
  }

  #drawLines(): CheckoutLine[] {
    const { scenario } = this.#world;
    if (this.#random.next() < 0.02) return [{ sku: 'NOT-SOLD-HERE', quantity: 1 }];
    const count = uniformInteger(this.#random, 1, 3); // a SKU may well be named twice
    return Array.from({ length: count }, () => ({
      sku: `SKU-${uniformInteger(this.#random, 1, scenario.skus)}`,
      quantity: uniformInteger(this.#random, 1, 2),
    }));
  }

  async #buy(order: PurchaseOrder): Promise<void> {
    for (let asks = 0; asks < asksMax; asks += 1) {
      const answer = await this.#ask(order, (gateway) => gateway.buy(order));
      if (isFinal(answer)) return;
      if (answer.kind === 'accepted') return this.#await(order, answer.checkoutId);
      await this.#pause();
    }
  }

  async #await(order: PurchaseOrder, checkoutId: string): Promise<void> {
    for (let polls = 0; polls < pollsMax; polls += 1) {
      await this.#pause();
      const answer = await this.#ask(order, (gateway) => gateway.lookUp(checkoutId));
      if (isFinal(answer)) return;
    }
  }

  async #ask(
    order: PurchaseOrder,
    question: (gateway: GatewayInstance) => Promise<ClientAnswer>,
  ): Promise<ClientAnswer> {
    const { network, clients, scheduler, scenario, gateways, gatewayServers } = this.#world;
    const chosen = uniformInteger(this.#random, 0, gatewayServers.length - 1);
    const server = gatewayServers[chosen];
    const sentAt = scheduler.now;
    const answer = await network
      .call(clients, server as NonNullable<typeof server>, scenario.patienceMs, async () => {
        const gateway = gateways[chosen];
        if (gateway === null || gateway === undefined) throw new Error('a server without process');
        return new Promise<ClientAnswer>((resolve, reject) => {
          gateway.process.deliver(() => question(gateway).then(resolve, reject));
        });
      })
      .catch((): ClientAnswer => ({ kind: 'unknown' }));
    const { rawKey, key, lines } = order;
    this.operations.push({ key, lines, sentAt, answeredAt: scheduler.now, answer });
    this.#world.trace(`client with ${rawKey} got ${JSON.stringify(answer)}`);
    return answer;
  }

  #pause(): Promise<void> {
    return this.#world.scheduler.sleep(exponential(this.#random, 1_000));
  }
}

function isFinal(answer: ClientAnswer): boolean {
  const { kind } = answer;
  return kind === 'placed' || kind === 'rejected' || kind === 'key-reused' || isRefusal(answer);
}

/** Refused before the queue, for a cause that waiting does not change. */
export function isRefusal(answer: ClientAnswer): boolean {
  return answer.kind === 'refused' && (answer.reason === 'sold-out' || answer.reason === 'invalid');
}

/** The key that the shop keeps is a fingerprint, so it is asked for once. */
function orderOf({ rawKey, customer, lines, request }: Wish): PurchaseOrder {
  const body = JSON.stringify(request);
  const { key } = readPurchase(Buffer.from(body), rawKey, null);
  return { rawKey, key, customer, network: `network of ${request.email}`, lines, body };
}
