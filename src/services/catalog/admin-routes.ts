/** The owner's side of the catalog. Every change is in the audit log, in its own transaction. */

import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import {
  changeProduct,
  createProduct,
  exportProducts,
  getOwnerProduct,
  importProductsEndpoint,
  listOwnerProductsEndpoint,
  type OwnerProduct,
  type ProductChange,
  type Restock,
  type RestockRequest,
  removeProduct,
  restockVariant,
} from '../../api/admin-product.ts';

import type { Database } from '../../kit/database/postgres.ts';
import { limitedBody } from '../../kit/http/body-stream.ts';
import { type Principal, requireStaff } from '../../kit/http/principal.ts';
import { badRequest, invalid, Problem } from '../../kit/http/problem.ts';
import { serve } from '../../kit/http/route.ts';
import { headerLine, productLines } from './csv/write-product-file.ts';
import { importProducts } from './import.ts';
import type { InvalidationFeed } from './invalidation-feed.ts';
import { bodyPath, draftOfChange, draftOfNew, type OwnerDraft } from './owner-drafts.ts';
import { findOwnerProduct, listOwnerProducts, pageForExport } from './product-reads.ts';
import { restock } from './restock.ts';
import { runUntilDone } from './retry-transaction.ts';
import { deleteProduct, type SaveCause, saveProducts } from './save-products.ts';
import { noProduct } from './shop-routes.ts';
import { readDescription } from './text-reader.ts';

const importBytesMax = 64 * 1024 * 1024;
const exportPageMax = 50;
const idMax = 2 ** 31 - 1;

export interface CatalogParts {
  readonly database: Database;
  readonly feed: InvalidationFeed;
}

export function addAdminRoutes(app: FastifyInstance, parts: CatalogParts): void {
  const { database, feed } = parts;

  serve(app, listOwnerProductsEndpoint, async (request) => {
    requireStaff(request);
    const { limit = 24, after, search = '' } = request.query;
    const before = after === undefined ? idMax : Number(after);
    if (!Number.isInteger(before) || before < 0 || before > idMax) {
      throw badRequest('after is not a cursor of this list');
    }
    const items = await listOwnerProducts(database, before, limit + 1, search.trim());
    const shown = items.slice(0, limit);
    return { items: shown, next: items.length > limit ? (shown.at(-1)?.id ?? null) : null };
  });

  serve(app, createProduct, async (request, reply) => {
    const { customerId } = requireStaff(request);
    const owned = draftOfNew(request.body, await descriptionIn(request.body));
    if ((await findOwnerProduct(database, owned.draft.handle)) !== null) {
      throw new Problem(409, 'handle-taken', 'The handle is taken', {
        detail: `there is a product "${owned.draft.handle}" already`,
      });
    }
    const product = await save(parts, owned, customerId, 'product.created');
    const location = `/api/products/${encodeURIComponent(product.handle)}`;
    return reply.code(201).header('location', location).send(product);
  });

  serve(app, getOwnerProduct, async (request) => {
    requireStaff(request);
    return existing(database, request.params.handle);
  });

  serve(app, changeProduct, async (request) => {
    const { customerId } = requireStaff(request);
    const product = await existing(database, request.params.handle);
    const owned = draftOfChange(product.handle, request.body, await descriptionIn(request.body));
    return save(parts, owned, customerId, 'product.updated');
  });

  serve(app, removeProduct, async (request, reply) => {
    const { customerId } = requireStaff(request);
    const { handle } = request.params;
    const changes = await runUntilDone(database, (sql) => deleteProduct(sql, handle, customerId));
    if (changes === null) throw noProduct(handle);
    feed.announce(changes);
    return reply.code(204).send();
  });

  serve(app, restockVariant, async (request) =>
    addStock(parts, requireStaff(request), request.body, keyOf(request.headers)),
  );

  addFileRoutes(app, parts);
}

async function descriptionIn({ descriptionHtml }: ProductChange) {
  return descriptionHtml === undefined ? undefined : readDescription(descriptionHtml);
}

async function existing(database: Database, handle: string): Promise<OwnerProduct> {
  const product = await findOwnerProduct(database, handle);
  if (product === null) throw noProduct(handle);
  return product as OwnerProduct;
}

async function save(
  { database, feed }: CatalogParts,
  { draft, faults }: OwnerDraft,
  actor: string,
  action: string,
): Promise<OwnerProduct> {
  if (faults.length > 0) throw invalid(faults);
  const cause: SaveCause = { actor, action, reason: 'admin' };
  const result = await runUntilDone(database, (sql) => saveProducts(sql, [draft], cause));
  if (result.errors.length > 0) {
    throw invalid(
      result.errors.map(({ row, field, message }) => ({ path: bodyPath(row, field), message })),
    );
  }
  feed.announce(result.changes);
  return existing(database, draft.handle);
}

function keyOf(headers: Readonly<Record<string, unknown>>): string | null {
  const key = headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) return key;
  throw badRequest('Idempotency-Key must be 1 to 255 visible characters');
}

const restockFaults = {
  'unknown-sku': { path: 'body/sku', message: 'is no SKU of this shop' },
  'not-counted': {
    path: 'body/sku',
    message: 'is not counted, so it is always for sale; to count it, set `counted` of the variant',
  },
  'key-used': { path: 'headers/idempotency-key', message: 'was used for another restock before' },
  'too-many': { path: 'body/quantity', message: 'is more than a product can hold' },
} as const;

async function addStock(
  { database, feed }: CatalogParts,
  { customerId }: Principal,
  { sku, quantity, reason = '' }: RestockRequest,
  key: string | null,
): Promise<Restock> {
  const result = await restock(database, { sku, quantity, reason, key, actor: customerId });
  if (result.kind !== 'restocked') throw invalid([restockFaults[result.kind]]);
  feed.announce(result.changes);
  return { sku, quantity, reason, available: result.available };
}

function addFileRoutes(app: FastifyInstance, { database, feed }: CatalogParts): void {
  app.register(async (files) => {
    // The body stays a stream: a file is read, checked and saved while it arrives.
    files.removeAllContentTypeParsers();
    files.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    files.post(importProductsEndpoint.path, { bodyLimit: importBytesMax }, async (request) => {
      const { customerId: actor } = requireStaff(request);
      const announce = feed.announce.bind(feed);
      const body = (request.body as Readable | undefined) ?? Readable.from([]);
      return importProducts({ database, actor, announce }, limitedBody(body, importBytesMax));
    });
  });

  serve(app, exportProducts, async (request, reply): Promise<FastifyReply> => {
    requireStaff(request);
    return reply
      .type('text/csv; charset=utf-8')
      .header('content-disposition', 'attachment; filename="products.csv"')
      .send(Readable.from(exportLines(database)));
  });
}

async function* exportLines(database: Database): AsyncGenerator<string> {
  yield headerLine();
  for (let after = 0; ; ) {
    const page = await pageForExport(database, after, exportPageMax);
    const last = page.at(-1);
    if (last === undefined) return;
    for (const product of page) yield productLines(product);
    after = Number(last.id);
  }
}
