/**
 * A whole shop in this process for tests of the pages: the real storefront service, and behind one
 * address a made-up catalogue, carts, accounts and orders that do what a test tells them. The real
 * services are tested elsewhere; here the pages are.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { FastifyInstance } from 'fastify';
import { Registry } from 'prom-client';
import type { InternalClient } from '../../src/kit/http/internal-client.ts';
import { createApp } from '../../src/kit/http/service.ts';
import { createLog } from '../../src/kit/log.ts';
import { openWeb } from '../../src/services/storefront/page-store.ts';
import { addStorefrontRoutes } from '../../src/services/storefront/routes.ts';
import { answerCatalogue } from './fake-catalogue-api.ts';
import { answerShopper } from './fake-shopper-api.ts';
import { type Answer, FakeState, type Received } from './fake-state.ts';

const token = 'test';
const webDist = path.resolve(import.meta.dirname, '../../web/dist');

/** Not before the first byte: browsers send such a request again by themselves, unasked. */
function breakOff(response: ServerResponse): void {
  response.writeHead(201, { 'content-type': 'application/json', 'content-length': '100' });
  response.write('{');
  setImmediate(() => response.destroy());
}

export class FakeShop extends FakeState implements AsyncDisposable {
  /** Every request to the API that was not a question, in order. */
  readonly received: Received[] = [];
  isCatalogueDown = false;
  /** What `POST /api/orders` answers; null breaks the connection off instead. */
  onOrder: (received: Received) => Answer | null = () => ({ status: 503 });
  /** What is answered about checkouts, one event after the other. */
  onCheckout: AsyncIterable<unknown> | null = null;
  url = '';
  readonly #app: FastifyInstance;
  readonly #server = createServer((request, response) => this.#serve(request, response));

  private constructor(app: FastifyInstance) {
    super();
    this.#app = app;
  }

  static async open(): Promise<FakeShop> {
    const app = createApp(token, createLog('storefront-test', 'silent'));
    const shop = new FakeShop(app);
    const client: Pick<InternalClient, 'raw'> = {
      raw: async (_role, url) => {
        if (shop.isCatalogueDown) throw new Error('the catalogue is down');
        const { status, body, headers = {} } = answerCatalogue(shop, new URL(url, 'http://shop'));
        return { status, headers, text: JSON.stringify(body ?? null), instance: 'catalog-test' };
      },
    };
    addStorefrontRoutes(app, { web: await openWeb(webDist), client, metrics: new Registry() });
    await new Promise<void>((resolve) => {
      shop.#server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = shop.#server.address() as AddressInfo;
    shop.url = `http://127.0.0.1:${port}`;
    return shop;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    if (!url.pathname.startsWith('/api/')) return this.#page(request, response);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const { method = 'GET', headers } = request;
    const received: Received = {
      method,
      url,
      headers,
      body: text === '' ? null : JSON.parse(text),
    };
    if (method !== 'GET') this.received.push(received);
    if (url.pathname.endsWith('/events')) return this.#events(response);
    const answer = this.#answer(received);
    if (answer === null) return breakOff(response);
    response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
    response.end(answer.body === undefined ? undefined : JSON.stringify(answer.body));
  }

  #answer(received: Received): Answer | null {
    const { pathname } = received.url;
    if (/^\/api\/(products|collections)/.test(pathname)) {
      if (this.isCatalogueDown)
        return { status: 503, body: { type: 'x/unavailable', status: 503 } };
      return answerCatalogue(this, received.url);
    }
    if (received.method === 'POST' && pathname === '/api/orders') return this.onOrder(received);
    return answerShopper(this, received);
  }

  async #events(response: ServerResponse): Promise<void> {
    if (this.onCheckout === null) {
      response.writeHead(503).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    for await (const event of this.onCheckout) {
      response.write(`event: checkout\ndata: ${JSON.stringify(event)}\n\n`);
    }
    response.end();
  }

  async #page(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const headers = { ...request.headers, authorization: `Bearer ${token}` };
    const answer = await this.#app.inject({ method: 'GET', url: request.url ?? '/', headers });
    const { connection: _connection, ...kept } = answer.headers;
    response.writeHead(answer.statusCode, kept as Record<string, string>);
    response.end(answer.rawPayload);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
    await this.#app.close();
  }
}
