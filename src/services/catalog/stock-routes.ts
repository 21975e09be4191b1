/** What the other services ask of the catalogue: stock, variants, changes, and an account of it. */
import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { linesMax, quantityMax, Sku } from '../../api/order.ts';
import { storableText } from '../../kit/database/json-text.ts';
import type { Database } from '../../kit/database/postgres.ts';
import { badRequest } from '../../kit/http/problem.ts';
import type { CheckoutLine } from '../../shop/checkout.ts';
import type { Reservation } from '../../shop/fulfilment.ts';
import { shopCurrency } from '../../shop/product.ts';
import { auditLog } from './audit.ts';
import { checkIntegrity, pageReservations } from './integrity.ts';
import type { FeedStream, InvalidationFeed } from './invalidation-feed.ts';
import { findVariants } from './product-reads.ts';
import { release } from './release.ts';
import { reserve } from './stock.ts';

const batchMax = 4_000;
const skusMax = 1_000;
const streamBytesMax = 4 * 1024 * 1024;

const CheckoutId = Type.String({
  pattern: '^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$',
});
const ReserveBody = Type.Object({
  batch: Type.Array(
    Type.Object({
      checkoutId: CheckoutId,
      lines: Type.Array(
        Type.Object({
          sku: Sku,
          quantity: Type.Integer({ minimum: 1, maximum: quantityMax * linesMax }),
        }),
        { minItems: 1, maxItems: linesMax },
      ),
    }),
    { maxItems: batchMax },
  ),
});
const ReleaseBody = Type.Object({ checkoutIds: Type.Array(CheckoutId, { maxItems: batchMax }) });
const VariantsBody = Type.Object({ skus: Type.Array(Sku, { maxItems: skusMax }) });
const PageQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
  after: Type.Optional(Type.String({ maxLength: 100 })),
});
const AuditQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
  before: Type.Optional(Type.String({ maxLength: 40 })),
});

export interface StockParts {
  readonly database: Database;
  readonly feed: InvalidationFeed;
}

export function addStockRoutes(app: FastifyInstance, { database, feed }: StockParts): void {
  app.post<{ Body: Static<typeof ReserveBody> }>(
    '/internal/reserve',
    { schema: { body: ReserveBody } },
    async (request) => {
      const batch = request.body.batch.map(({ checkoutId, lines }) => {
        return { checkoutId: checkoutId.toLowerCase(), lines: lines.map(storableLine) };
      });
      if (batch.length === 0) return { outcomes: [] };
      const { reservations, changes } = await reserve(database, batch);
      feed.announce(changes);
      const outcomes = request.body.batch.map(({ checkoutId }, index) =>
        outcomeOf(checkoutId, reservations[index] as Reservation),
      );
      return { outcomes };
    },
  );

  app.post<{ Body: Static<typeof ReleaseBody> }>(
    '/internal/release',
    { schema: { body: ReleaseBody } },
    async (request) => {
      const ids = request.body.checkoutIds.map((id) => id.toLowerCase());
      if (ids.length > 0) feed.announce(await release(database, ids));
      return {};
    },
  );

  app.post<{ Body: Static<typeof VariantsBody> }>(
    '/internal/variants',
    { schema: { body: VariantsBody } },
    async (request) => {
      return { variants: await findVariants(database, request.body.skus.map(storableText)) };
    },
  );

  app.get('/internal/integrity', () => checkIntegrity(database));

  app.get<{ Querystring: Static<typeof PageQuery> }>(
    '/internal/reservations',
    { schema: { querystring: PageQuery } },
    async (request) => {
      const { limit = 1_000, after = '' } = request.query;
      return pageReservations(database, after, limit);
    },
  );

  app.get<{ Querystring: Static<typeof AuditQuery> }>(
    '/internal/audit-log',
    { schema: { querystring: AuditQuery } },
    async (request) => {
      const before = new Date(request.query.before ?? '9999-12-31T00:00:00Z');
      if (Number.isNaN(before.getTime())) throw badRequest('before is not a time');
      return { items: await auditLog.list(database, before, request.query.limit ?? 50) };
    },
  );

  addFeedRoute(app, feed);
}

function addFeedRoute(app: FastifyInstance, feed: InvalidationFeed): void {
  app.get('/internal/invalidations', (_request, reply) => {
    const { raw } = reply.hijack();
    const stream: FeedStream = {
      write: (line) => raw.write(line) || raw.writableLength < streamBytesMax,
      end: () => raw.destroy(),
    };
    raw.once('close', () => feed.disconnect(stream));
    raw.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
    raw.flushHeaders();
    feed
      .connect(stream)
      .then(() => raw.destroyed && feed.disconnect(stream))
      .catch(() => {
        feed.disconnect(stream);
        raw.destroy(); // the gateway tries again
      });
  });
}

/** A SKU that no database can hold is one that nobody sells: it must not spoil its batch. */
function storableLine(line: CheckoutLine): CheckoutLine {
  const sku = storableText(line.sku);
  return sku === line.sku ? line : { ...line, sku };
}

function outcomeOf(checkoutId: string, reservation: Reservation) {
  if (reservation.kind === 'reserved') {
    const { lines, total } = reservation;
    return { checkoutId, kind: 'reserved', lines, total, currency: shopCurrency };
  }
  const { reason } = reservation;
  const sku = reason === 'released' ? '' : reservation.sku;
  const available = reason === 'sold-out' ? reservation.available : 0;
  return { checkoutId, kind: 'refused', reason, sku, available };
}
