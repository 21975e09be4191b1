/** The catalog: products, prices and stock; what changed, streamed to the gateways. */
import path from 'node:path';
import type { Database } from '../../kit/database/postgres.ts';
import { exportFigure } from '../../kit/exported-metric.ts';
import { runService, type ServiceContext } from '../../kit/http/service.ts';
import { addAdminRoutes } from './admin-routes.ts';
import { InvalidationFeed } from './invalidation-feed.ts';
import { trimInvalidations } from './invalidation-outbox.ts';
import { addShopRoutes } from './shop-routes.ts';
import { addStockRoutes } from './stock-routes.ts';

const connectionsMax = 12;
const trimEveryMs = 30_000;
const outboxRetentionSeconds = 300;
const trimRowsMax = 10_000;

await runService('catalog', async (context) => {
  const { app, config, directory, log } = context;
  const migrations = path.join(import.meta.dirname, 'migrations');
  const database = await context.openDatabase({ database: 'catalog', connectionsMax, migrations });
  const others = () =>
    directory.current.services.some(({ role, id }) => role === 'catalog' && id !== config.id);
  const feed = new InvalidationFeed({
    database,
    leaderEpoch: () => database.epoch,
    hasPeers: others,
  });
  addShopRoutes(app, database);
  addAdminRoutes(app, { database, feed });
  addStockRoutes(app, { database, feed });
  app.addHook('preClose', () => feed.close()); // endless answers would hold up the draining
  addFeedMetrics(context, feed);
  context.onClose(keepTrimmed(database, (error) => log.warn({ err: error }, 'cannot trim')));
});

/** Keeps the outbox short. Returns how to stop. */
function keepTrimmed(database: Database, fail: (error: unknown) => void): () => void {
  const trim = async (): Promise<void> => {
    let trimmed: number;
    do {
      trimmed = await trimInvalidations(database, outboxRetentionSeconds, trimRowsMax);
    } while (trimmed === trimRowsMax);
  };
  const timer = setInterval(() => void trim().catch(fail), trimEveryMs);
  return () => clearInterval(timer);
}

function addFeedMetrics({ metrics }: ServiceContext, feed: InvalidationFeed): void {
  const figure = (name: string, help: string, read: () => number) =>
    exportFigure(metrics, { name: `doorbuster_feed_${name}`, help, read });
  figure('streams', 'connected gateways', () => feed.streamCount);
  figure('messages_total', 'messages written', () => feed.counts.messages);
  figure('polls_total', 'polls of the outbox', () => feed.counts.polls);
  figure('poll_failures_total', 'polls that failed', () => feed.counts.pollFailures);
}
