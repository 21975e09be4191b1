/** A worker process: the real loop, batch and payments, wired to simulated services. */
import { type Random, uniformInteger } from '../../eval/scaling/random.ts';
import { outcomeLine } from '../../src/api/purchase-answer.ts';
import type { DecidedCheckout } from '../../src/queue/purchase-queue.ts';
import type { ChargeOutcome, PaymentProvider } from '../../src/services/worker/payment.ts';
import type { Stock, WorkerPorts } from '../../src/services/worker/ports.ts';
import { WorkerLoop } from '../../src/services/worker/worker-loop.ts';
import { orderToken } from '../../src/shop/order-token.ts';
import { brokenToken, deadToken, undigestibleSku } from './poison.ts';
import type { ShopWorld, WorkerInstance } from './shop-world.ts';
import { Unreachable } from './simulated-network.ts';
import type { SimulatedProcess } from './simulated-process.ts';

/** Charged, but the answer never comes. */
const silentToken = 'tok_silent';
/** Charged, but the answer comes only sometimes: one worker gives up where another succeeds. */
const flakyToken = 'tok_flaky';
const flakyShare = 0.7;

const slowMs = 2_000;
const drainMs = 2_000;
const callMsMax = 5_000;

export class SimulatedWorker implements WorkerInstance {
  readonly process: SimulatedProcess;
  readonly #loop: WorkerLoop;

  constructor(world: ShopWorld, process: SimulatedProcess) {
    this.process = process;
    this.#loop = new WorkerLoop(portsOf(world, process), world.limits);
    this.#loop.start();
  }

  notify(arrived: number): void {
    this.#loop.notify(arrived);
  }

  /** As on SIGTERM: open batches finish or are given back, then the process ends. */
  async stop(): Promise<void> {
    await this.#loop.stop(drainMs);
    this.process.kill();
  }
}

function portsOf(world: ShopWorld, process: SimulatedProcess): WorkerPorts {
  const { scenario, orders, random } = world;
  const losesClaim = (): boolean => scenario.mode === 'troubled' && random.next() < 0.01;
  const ports: WorkerPorts = {
    queue: orders.queueFor(process, scenario.callDeadlineMs, losesClaim),
    stock: stockFor(world, process),
    payments: paymentsFor(world, process),
    carts: {
      empty: (carts) =>
        world.network.call(process, world.customers, scenario.callDeadlineMs, async () => {
          for (const { version } of carts) world.emptied.add(version);
        }),
    },
    time: process.time,
    newToken: () => world.newUuid(process.time.now()),
    processorsAreFull: () => world.processors.next() < 0.3,
    announce: (decided) => announce(world, process, decided),
    isTransient: (error) => error instanceof Unreachable,
    report: (event, { error, ...details }) =>
      world.trace(`${process.name} ${event} ${JSON.stringify(details)} ${error ?? ''}`),
  };
  return world.mutation.workerPorts?.(ports, world) ?? ports;
}

function announce(
  world: ShopWorld,
  process: SimulatedProcess,
  decided: readonly DecidedCheckout[],
): void {
  if (process.isDead || decided.length === 0) return;
  for (const { id, seq, decision } of decided) {
    const what = decision.kind === 'placed' ? 'placed' : decision.rejection.reason;
    world.trace(`${process.name} decided ${id} (${seq}): ${what}`);
  }
  const lines = decided.map(({ id, seq, decision }) =>
    outcomeLine(id, seq, orderToken(world.sessionKey, id), decision),
  );
  const bytes = Buffer.from(lines.join('\n'));
  for (const { service } of world.ordersSlots) {
    if (service !== null) world.network.send(service.process, () => service.receive(bytes));
  }
}

function stockFor({ network, catalog, stock, scenario }: ShopWorld, process: SimulatedProcess) {
  const port: Stock = {
    reserve: (batch) =>
      network.call(process, catalog, scenario.callDeadlineMs, async () => {
        const undigestible = batch.some(({ lines }) =>
          lines.some(({ sku }) => sku === undigestibleSku),
        );
        if (undigestible) throw new Error('the catalog cannot digest this batch');
        return stock.reserve(batch);
      }),
    release: (checkoutIds) =>
      network.call(process, catalog, scenario.callDeadlineMs, () => stock.release(checkoutIds)),
  };
  return port;
}

function paymentsFor(world: ShopWorld, process: SimulatedProcess): PaymentProvider {
  const { network, provider, providerServer, scheduler, random } = world;
  const callMs = Math.min(callMsMax, world.scenario.callDeadlineMs);
  return {
    charge: async (charge): Promise<ChargeOutcome> => {
      const { token } = charge;
      if (token === brokenToken) throw new Error('the adapter has a bug');
      if (token === deadToken) return new Promise<never>(() => {});
      const slowBefore = random.next() < 0.5;
      const slow = token === 'tok_slow' ? slowMs : uniformInteger(random, 0, 50);
      try {
        return await network.call(process, providerServer, neverMs, async () => {
          if (slowBefore) await scheduler.sleep(slow);
          const verdict = await provider.charge(charge);
          if (!slowBefore) await scheduler.sleep(slow);
          const isFlaky = token === flakyToken && random.next() < flakyShare;
          if (token === silentToken || isFlaky) return new Promise<never>(() => {});
          return verdict;
        });
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        return { kind: 'unknown', why: error.message };
      }
    },
    void: (key) => network.call(process, providerServer, callMs, () => provider.void(key)),
    refund: (key) => network.call(process, providerServer, callMs, () => provider.refund(key)),
  };
}

/** The provider's client has no patience of its own: the scheduler's deadline ends the waiting. */
const neverMs = 3_600_000;

/** Tokens a purchase may pay with, by how often they are drawn. */
export function drawToken(random: Random, isTroubled: boolean): string {
  const dice = random.next();
  if (dice < 0.6) return 'tok_ok';
  if (dice < 0.7) return 'tok_slow';
  if (dice < 0.85) return 'tok_declined';
  if (!isTroubled) return 'tok_ok';
  if (dice < 0.93) return flakyToken;
  return dice < 0.97 ? silentToken : deadToken;
}
