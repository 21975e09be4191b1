/** For tests: a catalog whose products have only a version, and whose stream the test controls. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type FakeService, fakeService } from './fake-shop.ts';

export interface FakeCatalog extends FakeService {
  /** Raises a product's version and, unless `silently`, announces it on every open stream. */
  change(id: number, options?: { silently?: boolean }): void;
  announceStock(sku: string, available: number, version: number): void;
  /** Stops the heartbeats; the connections stay open. */
  stopHeartbeats(): void;
  /** Breaks the streams; new ones are accepted. */
  cutStreams(): void;
  /** While set, answers wait for it after the version was read. */
  hold: Promise<void> | null;
  /** Resolves when the next request has read its version. */
  nextRead(): Promise<void>;
  /** Paths of the requests. */
  readonly asked: string[];
  readonly streams: number;
}

const heartbeatMs = 100;

function answerProduct(
  response: ServerResponse,
  id: number,
  version: number,
  personal: boolean,
): void {
  const body = JSON.stringify({ id, version, padding: 'toys '.repeat(300) });
  response.writeHead(200, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(body.length),
    'cache-control': 'public, no-cache',
    etag: `"${id}-${version}"`,
    'surrogate-key': `product-${id}`,
    'surrogate-version': String(version),
    ...(personal ? { 'set-cookie': 'who=you' } : {}),
  });
  response.end(body);
}

export async function fakeCatalog(id = 'catalog-1'): Promise<FakeCatalog> {
  const versions = new Map<number, number>();
  const streams = new Set<ServerResponse>();
  const asked: string[] = [];
  let reading = Promise.withResolvers<void>();
  let silent = false;
  const send = (message: object): void => {
    for (const stream of streams) stream.write(`${JSON.stringify(message)}\n`);
  };
  const beat = setInterval(() => silent || send({ type: 'heartbeat' }), heartbeatMs);

  const stream = (response: ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    streams.add(response);
    response.once('close', () => streams.delete(response));
    silent = false;
    response.write(`${JSON.stringify({ type: 'hello' })}\n`);
  };
  const product = async (path: string, response: ServerResponse): Promise<void> => {
    const number = Number(/\d+$/.exec(path)?.[0]);
    const version = versions.get(number) ?? 1;
    reading.resolve();
    reading = Promise.withResolvers();
    if (catalog.hold !== null) await catalog.hold;
    answerProduct(response, number, version, path.includes('/personal-'));
  };
  const service = await fakeService(
    'catalog',
    (request: IncomingMessage, response: ServerResponse) => {
      const { url = '' } = request;
      if (url.startsWith('/internal/invalidations')) return stream(response);
      asked.push(url);
      if (url === '/internal/variants') {
        const variants = [{ sku: 'GONE', available: 0, version: 1 }];
        response.writeHead(200).end(JSON.stringify({ variants }));
        return;
      }
      if (/\d$/.test(url)) return void product(url, response);
      response.writeHead(404, { 'content-type': 'application/problem+json' }).end('{}');
    },
    id,
  );

  const announce = (number: number): void => {
    const changes = [{ key: `product-${number}`, version: versions.get(number) ?? 1 }];
    send({ type: 'changes', changes, stock: [] });
  };
  const catalog: FakeCatalog = {
    ...service,
    asked,
    hold: null,
    nextRead: () => reading.promise,
    change(number, { silently = false } = {}) {
      versions.set(number, (versions.get(number) ?? 1) + 1);
      if (!silently) announce(number);
    },
    announceStock(sku, available, version) {
      const stock = [{ sku, available, version }];
      send({ type: 'changes', changes: [], stock });
    },
    stopHeartbeats() {
      silent = true;
    },
    cutStreams() {
      for (const each of streams) each.destroy();
    },
    get streams() {
      return streams.size;
    },
    async [Symbol.asyncDispose]() {
      clearInterval(beat);
      await service[Symbol.asyncDispose]();
    },
  };
  return catalog;
}
