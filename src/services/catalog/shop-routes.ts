/** What shoppers read. Every answer names what it was made from, so that caches can keep it. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { getProductEndpoint, listProductsEndpoint, type ProductQuery } from '../../api/product.ts';
import type { Database } from '../../kit/postgres.ts';
import { badRequest, notFound } from '../../kit/problem.ts';
import { invalidationKey } from './invalidations.ts';
import { BadCursor, listCollections, listProducts } from './product-list.ts';
import { findProduct } from './product-reads.ts';

const listingKey = invalidationKey(0);

export function addShopRoutes(app: FastifyInstance, database: Database): void {
  app.get<{ Querystring: ProductQuery }>(
    '/api/products',
    { schema: { querystring: listProductsEndpoint.query } },
    async (request, reply) => {
      const { search = '', collection = '', sort, limit = 24, after } = request.query;
      const words = search.trim();
      const order = sort === undefined || sort === 'match' ? defaultSort(words) : sort;
      const wanted = { search: words, collection, sort: order, limit, after: after ?? null };
      const page = await listProducts(database, wanted).catch(explainCursor);
      const tag = `"l${page.listingVersion}"`;
      if (isKnown(request, reply, tag, listingKey, page.listingVersion)) return reply.send();
      return { items: page.items, next: page.next };
    },
  );

  app.get<{ Params: { handle: string } }>(
    '/api/products/:handle',
    { schema: { params: getProductEndpoint.params } },
    async (request, reply) => {
      const product = await findProduct(database, request.params.handle);
      if (product === null) throw noProduct(request.params.handle);
      const key = invalidationKey(Number(product.id));
      const tag = `"p${product.id}.${product.version}"`;
      if (isKnown(request, reply, tag, key, product.version)) return reply.send();
      return product;
    },
  );

  app.get('/api/collections', async (request, reply) => {
    const { collections, listingVersion } = await listCollections(database);
    const tag = `"c${listingVersion}"`;
    if (isKnown(request, reply, tag, listingKey, listingVersion)) return reply.send();
    return { items: collections, next: null };
  });

  app.get<{ Params: { handle: string } }>(
    '/api/collections/:handle',
    { schema: { params: getProductEndpoint.params } },
    async (request, reply) => {
      const { collections, listingVersion } = await listCollections(database);
      const collection = collections.find(({ handle }) => handle === request.params.handle);
      if (collection === undefined) {
        throw notFound(`there is no collection "${request.params.handle}"`);
      }
      const tag = `"c${listingVersion}"`;
      if (isKnown(request, reply, tag, listingKey, listingVersion)) return reply.send();
      return collection;
    },
  );
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

/** Sets the caching headers. True where the asker has this very version: the answer is a 304. */
function isKnown(
  request: FastifyRequest,
  reply: FastifyReply,
  tag: string,
  key: string,
  version: number,
): boolean {
  reply.header('cache-control', 'public, no-cache');
  reply.header('etag', tag);
  reply.header('surrogate-key', key);
  reply.header('surrogate-version', String(version));
  const known = request.headers['if-none-match'];
  if (known === undefined) return false;
  const tags = known.split(',').map((each) => each.trim().replace(/^W\//, ''));
  if (!tags.includes(tag) && known.trim() !== '*') return false;
  reply.code(304);
  return true;
}
