/** What the other services ask of the catalog: stock, variants, changes, and its audit. */
import type { FastifyInstance } from 'fastify';
import { catalogAuditLog } from '../../api/internal/audit-routes.ts';
import {
  invalidations,
  type ReserveOutcome,
  releaseStock,
  reserveStock,
  stockIntegrity,
  takenReservations,
  variantFigures,
} from '../../api/internal/catalog-routes.ts';
import { storableText } from '../../kit/database/json-text.ts';
import { serve } from '../../kit/http/route.ts';
import type { CheckoutLine } from '../../shop/checkout.ts';
import { shopCurrency } from '../../shop/product.ts';
import type { Reservation } from '../../shop/reservation-decision.ts';
import type { CatalogParts } from './admin-routes.ts';
import { auditLog } from './audit.ts';
import { checkIntegrity, pageReservations } from './integrity.ts';
import type { FeedStream, InvalidationFeed } from './invalidation-feed.ts';
import { findVariants } from './product-reads.ts';
import { release } from './release.ts';
import { reserve } from './stock.ts';

const streamBytesMax = 4 * 1024 * 1024;

export function addStockRoutes(app: FastifyInstance, { database, feed }: CatalogParts): void {
  serve(app, reserveStock, async (request) => {
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
  });

  serve(app, releaseStock, async (request) => {
    const ids = request.body.checkoutIds.map((id) => id.toLowerCase());
    if (ids.length > 0) feed.announce(await release(database, ids));
    return {};
  });

  serve(app, variantFigures, async (request) => {
    return { variants: await findVariants(database, request.body.skus.map(storableText)) };
  });

  serve(app, stockIntegrity, () => checkIntegrity(database));

  serve(app, takenReservations, async (request) => {
    const { limit = 1_000, after = '' } = request.query;
    return pageReservations(database, after, limit);
  });

  serve(app, catalogAuditLog, async ({ query: { before, limit } }) => {
    return { items: await auditLog.list(database, new Date(before), limit) };
  });

  addFeedRoute(app, feed);
}

function addFeedRoute(app: FastifyInstance, feed: InvalidationFeed): void {
  serve(app, invalidations, (_request, reply) => {
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

/** PostgreSQL cannot store every string. Such a SKU is unknown, and must not fail its batch. */
function storableLine(line: CheckoutLine): CheckoutLine {
  const sku = storableText(line.sku);
  return sku === line.sku ? line : { ...line, sku };
}

function outcomeOf(checkoutId: string, reservation: Reservation): ReserveOutcome {
  if (reservation.kind === 'reserved') {
    const { lines, total } = reservation;
    return { checkoutId, kind: 'reserved', lines, total, currency: shopCurrency };
  }
  const { reason } = reservation;
  const sku = reason === 'released' ? '' : reservation.sku;
  const available = reason === 'sold-out' ? reservation.available : 0;
  return { checkoutId, kind: 'refused', reason, sku, available };
}
