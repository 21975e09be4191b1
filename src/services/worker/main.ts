/**
 * A worker: wires the loop to the orders database, the catalog and the payment provider.
 *
 * One that was started with DOORBUSTER_PARKED is a spare (`spare.ts`).
 */

import { randomUUID } from 'node:crypto';
import { Counter } from 'prom-client';
import { releaseStock, reserveStock } from '../../api/internal/catalog-routes.ts';
import { emptyBoughtCarts } from '../../api/internal/customers-routes.ts';
import { announceOutcomes, workStream } from '../../api/internal/orders-routes.ts';
import { outcomeLine } from '../../api/purchase-answer.ts';
import { systemTime } from '../../kit/clock.ts';
import { followInstances } from '../../kit/cluster/instance-streams.ts';
import { exportFigure } from '../../kit/exported-metric.ts';
import { readNdjson } from '../../kit/http/ndjson.ts';
import { runService, type ServiceContext } from '../../kit/http/service.ts';
import { PostgresQueue, queueSettings } from '../../queue/postgres-queue.ts';
import type { DecidedCheckout } from '../../queue/purchase-queue.ts';
import { orderToken } from '../../shop/order-token.ts';
import { openProviders, PaymentsByMethod } from './payment-methods.ts';
import type { Stock, WorkerPorts } from './ports.ts';
import { workerLimits } from './ports.ts';
import { ProcessorWatch } from './processor-watch.ts';
import { isTransient } from './retryable-error.ts';
import { beginOnGo } from './spare.ts';
import { WorkerLoop } from './worker-loop.ts';

const connectionsMax = 6;
/** For what comes after the loop's last decision. */
const cleanupMs = 500;
const reserveDeadlineMs = 5_000;
const reconnectMs = 500;
/** As many as the payment provider takes from one worker at a time. */
const paymentsInFlightMax =
  Number(process.env['DOORBUSTER_PAYMENTS_IN_FLIGHT']) || workerLimits.paymentsInFlightMax;

await runService('worker', async (context) => {
  const { config, log, onClose } = context;
  const database = await context.openDatabase({
    database: 'orders',
    connectionsMax,
    settings: queueSettings,
  });
  const limits = { ...workerLimits, paymentsInFlightMax };
  const { ports, decided } = await wire(context, new PostgresQueue(database));
  const loop = new WorkerLoop(ports, limits);
  let unfollow = (): void => {};
  const begin = (): void => {
    loop.start();
    unfollow = followWorkNotifications(context, loop);
  };
  const parked = process.env['DOORBUSTER_PARKED'] === '1';
  if (parked) {
    await database.query('select 1').catch(() => {}); // a connection is open before it is needed
    beginOnGo(process, begin);
  } else begin();
  context.onLoad(() => ({ paymentsBusyMs: loop.paymentsBusyMs, done: decided() }));
  onClose(async () => {
    unfollow();
    await loop.stop(config.closeMsMax - cleanupMs);
  });
  exportFigure(context.metrics, {
    name: 'doorbuster_worker_checkouts_held',
    help: 'checkouts claimed and not yet decided',
    read: () => loop.checkoutsHeld,
  });
  log.info({ limits, parked }, 'working');
});

interface Wired {
  readonly ports: WorkerPorts;
  /** How many checkouts were decided so far. */
  readonly decided: () => number;
}

async function wire(context: ServiceContext, queue: PostgresQueue): Promise<Wired> {
  const { config, log, metrics } = context;
  const providers = await openProviders(config.home, process.env);
  const payments = new PaymentsByMethod(providers);
  context.onClose(() => payments.close());
  log.info({ card: providers.card !== null, test: providers.test !== null }, 'payments taken by');
  const decidedCount = new Counter({
    name: 'doorbuster_checkouts_decided_total',
    help: 'checkouts that this worker decided, by outcome',
    labelNames: ['outcome'],
    registers: [metrics],
  });
  let decidedSoFar = 0;
  const processors = new ProcessorWatch();
  const ports: WorkerPorts = {
    queue,
    stock: catalogStock(context),
    payments,
    carts: {
      empty: async (carts) => {
        await context.client.call(emptyBoughtCarts, { body: { carts } });
      },
    },
    time: systemTime,
    newToken: () => randomUUID(),
    processorsAreFull: () => processors.isFull(),
    announce: (decided) => {
      decidedSoFar += decided.length;
      for (const { decision } of decided) {
        const outcome = decision.kind === 'placed' ? 'placed' : decision.rejection.reason;
        decidedCount.inc({ outcome });
      }
      announceToOrders(context, decided);
    },
    isTransient,
    report: (event, { error, ...details }) => log.warn({ ...details, err: error }, event),
  };
  return { ports, decided: () => decidedSoFar };
}

function catalogStock({ client }: ServiceContext): Stock {
  return {
    reserve: async (batch) => {
      const options = { body: { batch }, deadlineMs: reserveDeadlineMs };
      return (await client.call(reserveStock, options)).outcomes;
    },
    release: async (checkoutIds) => {
      await client.call(releaseStock, { body: { checkoutIds } });
    },
  };
}

/** A hint to every orders instance; the one whose gateway waits passes it on. May be lost. */
function announceToOrders(context: ServiceContext, decided: readonly DecidedCheckout[]): void {
  const { client, directory, config } = context;
  if (decided.length === 0) return;
  const lines = decided.map(({ id, seq, decision }) =>
    outcomeLine(id, seq, orderToken(config.sessionKey, id), decision),
  );
  const rawBody = lines.join('\n');
  for (const instance of directory.instances('orders')) {
    client
      .callInstance(instance, announceOutcomes, {
        rawBody,
        headers: { 'content-type': 'application/octet-stream' },
      })
      .catch(() => {});
  }
}

/** Every orders instance says on a stream of its own how many checkouts came in. */
function followWorkNotifications(
  { client, directory }: ServiceContext,
  loop: WorkerLoop,
): () => void {
  return followInstances({
    directory,
    role: workStream.role,
    retryMs: reconnectMs, // polling covers for a stream that is lost
    read: async (instance, signal) => {
      const body = await client.stream(instance, workStream.path, signal);
      for await (const arrived of readNdjson<number>(body)) loop.notify(arrived);
    },
  });
}
