/** What shoppers read. Every answer names what it was made from, so that caches can keep it. */

import type { FastifyInstance } from 'fastify';
import {
  getCollectionEndpoint,
  getProductEndpoint,
  listCollectionsEndpoint,
  listProductsEndpoint,
} from '../../api/product.ts';
import type { Database } from '../../kit/database/postgres.ts';
import { gather } from '../../kit/gather.ts';
import type { Call, CallAnswer } from '../../kit/http/call-table.ts';
import { hasSameState } from '../../kit/http/negotiation.ts';
import { badRequest, notFound } from '../../kit/http/problem.ts';
import { serveBundled } from '../../kit/http/route.ts';
import { invalidationKey } from './invalidation-outbox.ts';
import { BadCursor, listCollections, listProducts } from './product-list.ts';
import { findProducts } from './product-reads.ts';

const listingKey = invalidationKey(0);
const gathered = { batchMax: 100 };

export function addShopRoutes(app: FastifyInstance, database: Database): void {
  const find = gather((handles: readonly string[]) => findProducts(database, handles), gathered);

  serveBundled(app, listProductsEndpoint, {}, async (call) => {
    const { search = '', collection = '', sort, limit = 24, after } = call.query;
    const words = search.trim();
    const order = sort === undefined || sort === 'match' ? defaultSort(words) : sort;
    const wanted = { search: words, collection, sort: order, limit, after: after ?? null };
    const page = await listProducts(database, wanted).catch(explainCursor);
    const { items, next, listingVersion } = page;
    const made = { tag: `"l${listingVersion}"`, key: listingKey, version: listingVersion };
    return versioned(call, made, { items, next });
  });

  serveBundled(app, getProductEndpoint, {}, async (call) => {
    const { handle } = call.params;
    const product = await find(handle);
    if (product === null) throw noProduct(handle);
    const { id, version } = product;
    const made = { tag: `"p${id}.${version}"`, key: invalidationKey(Number(id)), version };
    return versioned(call, made, product);
  });

  serveBundled(app, listCollectionsEndpoint, {}, async (call) => {
    const { collections, listingVersion } = await listCollections(database);
    return versioned(call, collectionsAt(listingVersion), { items: collections, next: null });
  });

  serveBundled(app, getCollectionEndpoint, {}, async (call) => {
    const { collections, listingVersion } = await listCollections(database);
    const collection = collections.find(({ handle }) => handle === call.params.handle);
    if (collection === undefined) {
      throw notFound(`there is no collection "${call.params.handle}"`);
    }
    return versioned(call, collectionsAt(listingVersion), collection);
  });
}

export function noProduct(handle: string) {
  return notFound(`there is no product "${handle}"`);
}

function defaultSort(search: string): 'match' | 'newest' {
  return search === '' ? 'newest' : 'match';
}

function explainCursor(error: unknown): never {
  if (error instanceof BadCursor) throw badRequest(error.message);
  throw error;
}

/** What an answer was made from. */
interface MadeFrom {
  readonly tag: string;
  readonly key: string;
  readonly version: number;
}

function collectionsAt(version: number): MadeFrom {
  return { tag: `"c${version}"`, key: listingKey, version };
}

/** With the headers that caches go by; a 304 where the asker has this very version. */
function versioned(
  { headers }: Pick<Call, 'headers'>,
  { tag, key, version }: MadeFrom,
  body: unknown,
): CallAnswer {
  const cacheHeaders = {
    'cache-control': 'public, no-cache',
    etag: tag,
    'surrogate-key': key,
    'surrogate-version': String(version),
  };
  return hasSameState(String(headers['if-none-match'] ?? ''), tag)
    ? { status: 304, headers: cacheHeaders }
    : { headers: cacheHeaders, body };
}
