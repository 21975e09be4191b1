/** The orders service: intake of purchases, the order log and its readers. */
import path from 'node:path';
import { systemClock } from '../../kit/clock.ts';
import { exportFigure } from '../../kit/exported-metric.ts';
import { runService, type ServiceContext } from '../../kit/http/service.ts';
import { readSecret } from '../../kit/secret.ts';
import { PostgresQueue, queueSettings } from '../../queue/postgres-queue.ts';
import type { Intake } from './intake.ts';
import { addIntakeRoutes, type ServedParts } from './intake-routes.ts';
import { addOrderRoutes } from './order-routes.ts';
import { OutcomeBoard } from './outcome-board.ts';
import { QueueMeter } from './queue-figures.ts';
import { addStripeWebhook } from './stripe-webhook.ts';
import { WorkNotifier } from './work-notifier.ts';

const tickMs = 250;
const connectionsMax = 12;

await runService('orders', async (context) => {
  const { app, client, config } = context;
  const database = await context.openDatabase({
    database: 'orders',
    connectionsMax,
    settings: queueSettings,
    migrations: path.join(import.meta.dirname, 'migrations'),
  });
  const parts: ServedParts = {
    queue: new PostgresQueue(database),
    board: new OutcomeBoard(),
    notifier: new WorkNotifier(),
    meter: new QueueMeter(database),
    clock: systemClock,
    sessionKey: config.sessionKey,
  };
  const intake = addIntakeRoutes(app, parts);
  addOrderRoutes(app, {
    database,
    client,
    sessionKey: config.sessionKey,
    ledgerFile: path.join(config.home, 'payments', 'test-ledger.txt'),
  });
  const webhookSecret = readSecret('STRIPE_WEBHOOK_SECRET');
  if (webhookSecret !== null) await addStripeWebhook(app, { database, secret: webhookSecret });
  exportFigures(context, parts);
  const stopTicking = keepTicking(context, parts, intake);
  app.addHook('preClose', async () => {
    stopTicking();
    parts.board.close();
    parts.notifier.close();
  });
});

/** Four times a second: the queue's figures to every gateway, and a look for lost outcomes. */
function keepTicking({ log }: ServiceContext, parts: ServedParts, intake: Intake): () => void {
  let running = true;
  let timer: NodeJS.Timeout;
  const tick = async (): Promise<void> => {
    try {
      const figures = await parts.meter.sample(Date.now());
      parts.board.broadcast(`figures ${JSON.stringify(figures)}`);
      if (figures.depth > 0) parts.notifier.notify(0);
      // beside the measuring: in a rush hundreds are looked up, and the master needs the figures
      void intake.sendDue();
    } catch (error) {
      log.warn({ err: error }, 'the queue could not be measured');
    }
    if (running) timer = setTimeout(tick, tickMs);
  };
  timer = setTimeout(tick, tickMs);
  return () => {
    running = false;
    clearTimeout(timer);
  };
}

function exportFigures({ metrics }: ServiceContext, { meter, board }: ServedParts): void {
  const gauges = {
    depth: 'checkouts that wait for a worker',
    oldestAgeSeconds: 'age of the oldest of them',
    arrivalsPerSecond: 'accepted checkouts a second',
    servicePerSecond: 'checkouts taken up by workers a second',
  } as const;
  for (const [name, help] of Object.entries(gauges)) {
    const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const read = () => meter.figures[name as keyof typeof gauges];
    exportFigure(metrics, { name: `doorbuster_queue_${snake}`, help, read });
  }
  const help = 'checkouts whose outcome a gateway waits for';
  exportFigure(metrics, { name: 'doorbuster_outcome_waits', help, read: () => board.waiting });
}
