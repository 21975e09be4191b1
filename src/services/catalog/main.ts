/** The catalogue: products, prices and stock; what changed, told to the gateways. */
import path from 'node:path';
import { Gauge } from 'prom-client';
import { migrate } from '../../kit/database/migrate.ts';
import { type Database, openDatabase } from '../../kit/database/postgres.ts';
import { runService, type ServiceContext } from '../../kit/http/service.ts';
import { addAdminRoutes } from './admin-routes.ts';
import { InvalidationFeed } from './invalidation-feed.ts';
import { trimInvalidations } from './invalidations.ts';
import { addShopRoutes } from './shop-routes.ts';
import { addStockRoutes } from './stock-routes.ts';

const connectionsMax = 12;
const trimEveryMs = 30_000;
const outboxRetentionSeconds = 300;
const trimRowsMax = 10_000;

await runService('catalog', async (context) => {
  const { app, config, directory, log } = context;
  const database = openDatabase({
    directory,
    database: 'catalog',
    password: config.databasePassword,
    tls: config.tls,
    connectionsMax,
    applicationName: config.id,
  });
  await migrate(database, path.join(import.meta.dirname, 'migrations'));
  const others = () =>
    directory.current.services.some(({ role, id }) => role === 'catalog' && id !== config.id);
  const feed = new InvalidationFeed({
    database,
    leaderEpoch: () => directory.current.epoch,
    hasPeers: others,
  });
  addShopRoutes(app, database);
  addAdminRoutes(app, { database, feed });
  addStockRoutes(app, { database, feed });
  app.addHook('preClose', () => feed.close()); // endless answers would hold up the draining
  addFeedMetrics(context, feed);
  context.onClose(keepTrimmed(database, (error) => log.warn({ err: error }, 'cannot trim')));
  context.onClose(() => database.close());
  context.onReadiness(async () => {
    const answer = await database.query('select 1').catch((error: Error) => error);
    return answer instanceof Error ? [`database: ${answer.message}`] : [];
  });
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
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [metrics],
      collect() {
        this.set(read());
      },
    });
  gauge('doorbuster_feed_streams', 'connected gateways', () => feed.streamCount);
  gauge('doorbuster_feed_messages', 'messages written', () => feed.counts.messages);
  gauge('doorbuster_feed_polls', 'polls of the outbox', () => feed.counts.polls);
  gauge('doorbuster_feed_poll_failures', 'polls that failed', () => feed.counts.pollFailures);
}
