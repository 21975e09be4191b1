/**
 * The storefront's HTTP routes: files from memory, and every other GET is a page. web/ decides what
 * a page shows. Data of a single shopper is never rendered here.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Counter, Histogram, type Registry } from 'prom-client';
import type { InternalClient } from '../../kit/http/internal-client.ts';
import { bestEncoding, hasSameState } from '../../kit/http/negotiation.ts';
import { propagatedFrom } from '../../kit/http/propagation.ts';
import { CatalogueReader } from './catalog-reader.ts';
import { etagOf, immutable, type Web, type WebFile } from './page-store.ts';

export interface StorefrontParts {
  readonly web: Web;
  readonly client: Pick<InternalClient, 'raw'>;
  readonly metrics: Registry;
}

/** Pictures of imported products may be on other hosts; everything else is from the shop. */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' https: data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

const retryAfterSeconds = '2';

export function addStorefrontRoutes(app: FastifyInstance, parts: StorefrontParts): void {
  const { web, client, metrics } = parts;
  const pages = new Counter({
    name: 'doorbuster_pages_total',
    help: 'Pages by status',
    labelNames: ['status'],
    registers: [metrics],
  });
  const seconds = new Histogram({
    name: 'doorbuster_page_seconds',
    help: 'Time to answer with a page, the catalogue included',
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 3],
    registers: [metrics],
  });
  app.get('/*', async (request, reply) => {
    const { pathname, searchParams } = new URL(request.url, 'http://storefront');
    const file = web.files.get(pathname);
    if (file !== undefined) {
      const isVersioned = searchParams.get('v') === web.picturesVersion;
      return sendFile(request, reply, isVersioned ? { ...file, cacheControl: immutable } : file);
    }
    if (pathname.startsWith('/assets/') || pathname.startsWith('/media/')) {
      return reply.code(404).type('text/plain; charset=utf-8').send('not found\n');
    }
    const stop = seconds.startTimer();
    const catalogue = new CatalogueReader(client, propagatedFrom(request));
    const page = await web.render({ path: pathname, query: searchParams, read: catalogue.read });
    stop();
    if (page.kind === 'redirect') {
      pages.inc({ status: 303 });
      return reply.header('cache-control', 'no-store').redirect(page.location, 303);
    }
    pages.inc({ status: page.status });
    if (page.status === 503) reply.header('retry-after', retryAfterSeconds);
    const isKept = page.status !== 503 && !page.isPrivate;
    reply.headers({
      ...(page.status === 200 ? catalogue.surrogates() : null),
      'cache-control': isKept ? 'public, no-cache' : 'no-store',
      'content-security-policy': pagePolicy,
      'referrer-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
    });
    reply.code(page.status).type('text/html; charset=utf-8');
    return isKept ? sendTagged(request, reply, etagOf(page.html), page.html) : page.html;
  });
}

function sendTagged(
  request: FastifyRequest,
  reply: FastifyReply,
  etag: string,
  body: string | Buffer,
): FastifyReply {
  reply.header('etag', etag);
  const isKnown = hasSameState(request.headers['if-none-match'], etag);
  if (isKnown && reply.statusCode === 200) return reply.code(304).send();
  return reply.send(body);
}

function sendFile(request: FastifyRequest, reply: FastifyReply, file: WebFile): FastifyReply {
  const preferred = bestEncoding(request.headers['accept-encoding']);
  const encoded = preferred === null ? undefined : file.compressed[preferred];
  const encoding = encoded === undefined ? null : preferred;
  reply.headers({
    'cache-control': file.cacheControl,
    vary: 'Accept-Encoding',
    'x-content-type-options': 'nosniff',
    ...(encoding === null ? null : { 'content-encoding': encoding }),
  });
  reply.type(file.type);
  // One ETag per encoding, so that a cache cannot mix them up.
  const etag = encoding === null ? file.etag : file.etag.replace(/"$/, `-${encoding}"`);
  return sendTagged(request, reply, etag, encoded ?? file.plain);
}
