/** The catalog's routes on a database of their own, asked as the gateway asks. */
import path from 'node:path';
import type { FastifyInstance, InjectOptions } from 'fastify';
import type { Database } from '../src/kit/database/postgres.ts';
import { encodePrincipal, type Role } from '../src/kit/http/principal.ts';
import { createApp } from '../src/kit/http/service.ts';
import { createLog } from '../src/kit/log.ts';
import { addAdminRoutes } from '../src/services/catalog/admin-routes.ts';
import { InvalidationFeed } from '../src/services/catalog/invalidation-feed.ts';
import { addShopRoutes } from '../src/services/catalog/shop-routes.ts';
import { addStockRoutes } from '../src/services/catalog/stock-routes.ts';
import type { PostgresFixture } from './postgres-fixture.ts';

const token = 'internal';
export const catalogMigrations = path.join(
  import.meta.dirname,
  '../src/services/catalog/migrations',
);

interface Remark {
  readonly row: number;
  readonly column: string;
  readonly message: string;
}

/** The fields of all the answers that tests look into. */
export interface CatalogBody {
  readonly id: string;
  readonly items: readonly {
    readonly id: string;
    readonly title: string;
    readonly price: { readonly amount: number };
    readonly checkoutId: string;
  }[];
  readonly next: string | null;
  readonly variants: readonly { readonly sku: string; readonly available: number }[];
  readonly created: number;
  readonly errors: readonly Remark[];
  readonly warnings: readonly Remark[];
  readonly holds: boolean;
  readonly invariants: readonly {
    readonly figures: Readonly<Record<string, number>>;
    readonly violations: readonly string[];
  }[];
  readonly productCount: number;
}

export interface CatalogAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Read as whatever the test expects of this answer; a field that is absent is undefined. */
  readonly body: CatalogBody;
  readonly text: string;
}

export interface CatalogFixture {
  readonly app: FastifyInstance;
  readonly database: Database;
  readonly feed: InvalidationFeed;
  /** As the owner, unless `role` says otherwise; null is a guest. */
  call(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    url: string,
    payload?: unknown,
    headers?: Readonly<Record<string, string>>,
    role?: Role | null,
  ): Promise<CatalogAnswer>;
  importFile(content: string | Buffer): Promise<CatalogAnswer>;
  /** One product of one variant. */
  addToy(sku: string, available: number, price?: number): Promise<void>;
  close(): Promise<void>;
}

export async function openCatalog(postgres: PostgresFixture): Promise<CatalogFixture> {
  const database = await postgres.createDatabase(catalogMigrations);
  const app = createApp(token, createLog('catalog-test', 'silent'));
  const feed = new InvalidationFeed({
    database,
    leaderEpoch: () => postgres.directory.current.epoch,
    hasPeers: () => true,
  });
  addShopRoutes(app, database);
  addAdminRoutes(app, { database, feed });
  addStockRoutes(app, { database, feed });
  const call: CatalogFixture['call'] = async (method, url, payload, headers, role = 'owner') => {
    const person = { customerId: '1', email: 'owner@localhost' };
    const principal =
      role === null ? {} : { 'x-doorbuster-principal': encodePrincipal({ ...person, role }) };
    const options: InjectOptions = {
      method,
      url,
      headers: { authorization: `Bearer ${token}`, ...principal, ...headers },
    };
    if (payload !== undefined) options.payload = payload as string | Buffer | object;
    const answer = await app.inject(options);
    const isJson = /json/.test(String(answer.headers['content-type']));
    const text = answer.body;
    const body: CatalogBody = isJson ? JSON.parse(text) : text;
    return { status: answer.statusCode, headers: answer.headers, body, text };
  };
  return {
    app,
    database,
    feed,
    call,
    importFile: (content) =>
      call('POST', '/api/admin/products/import', content, { 'content-type': 'text/csv' }),
    addToy: async (sku, available, price = 1_000) => {
      const variants = [{ sku, price: { amount: price, currency: 'USD' }, available }];
      const answer = await call('POST', '/api/admin/products', { title: `Toy ${sku}`, variants });
      if (answer.status !== 201) throw new Error(answer.text);
    },
    close: async () => {
      await feed.close();
      await app.close();
      await database.close();
    },
  };
}
