/** The customers service for tests: its real routes on a real database, other services played. */
import { fileURLToPath } from 'node:url';
import type { LightMyRequestResponse } from 'fastify';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { emptyCluster, StaticDirectory } from '../../src/kit/cluster/directory.ts';
import type { Database } from '../../src/kit/database/postgres.ts';
import { type InternalClient, openInternalClient } from '../../src/kit/http/internal-client.ts';
import { encodePrincipal, type Principal, principalHeader } from '../../src/kit/http/principal.ts';
import { createApp } from '../../src/kit/http/service.ts';
import { createLog } from '../../src/kit/log.ts';
import { CartIds } from '../../src/services/customers/cart-id.ts';
import { ErasureOutbox } from '../../src/services/customers/erasure-outbox.ts';
import { OfferLookup } from '../../src/services/customers/offer-lookup.ts';
import { addCustomersRoutes } from '../../src/services/customers/routes.ts';
import { SignInLimit } from '../../src/services/customers/sign-in-limit.ts';
import { SignInQueue } from '../../src/services/customers/sign-in-queue.ts';
import { Sessions } from '../../src/services/gateway/visitor/session.ts';
import type { Offer } from '../../src/shop/cart.ts';
import { type PostgresFixture, startPostgres } from '../postgres-fixture.ts';

const internalToken = 'internal-token-of-the-test';
export const cheapHashes = { memoryCost: 256, timeCost: 1 };
export const sessionKey = Buffer.alloc(32, 7);

export function offerOf(sku: string, changes: Partial<Offer> = {}): Offer {
  return {
    sku,
    productHandle: sku.toLowerCase(),
    title: `Toy ${sku}`,
    variantTitle: '',
    image: { url: `/media/${sku}.svg`, alt: '' },
    price: { amount: 1_299, currency: 'USD' },
    available: 100,
    ...changes,
  };
}

export interface Ask {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly body?: unknown;
  /** Sent as they are, where `body` is not given. */
  readonly rawBody?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly as?: Principal | null;
  readonly cookie?: string | null;
}

export class CustomersFixture {
  /** What the played catalog sells. */
  readonly catalog = new Map<string, Offer>();
  readonly asked: string[][] = [];
  catalogIsUp = true;
  /** Answers the other services' calls: the orders service's part in erasures. */
  sendErasure: (customerId: string) => Promise<void> = async () => {};
  now = Date.now();
  /** How clients wait that are new to an account under attack. */
  pause: (ms: number) => Promise<unknown> = async () => {};
  readonly database: Database;
  readonly outbox: ErasureOutbox;
  readonly directory = new StaticDirectory(emptyCluster);
  readonly client: InternalClient = openInternalClient(this.directory, internalToken);
  readonly app;
  readonly sessions: Sessions;

  constructor(database: Database) {
    this.database = database;
    const log = createLog('test', 'silent');
    this.app = createApp(internalToken, log);
    const clock = { now: () => this.now };
    this.sessions = new Sessions(sessionKey, clock, async (asked) => {
      const question = {
        method: 'POST',
        url: '/internal/sessions/living',
        body: { asked },
      } as const;
      const answer = await this.#inject(question);
      expect(answer.statusCode).toBe(200);
      return answer.json().sessions;
    });
    this.outbox = new ErasureOutbox(database, (id) => this.sendErasure(id), log);
    addCustomersRoutes(this.app, {
      database,
      sessionKey,
      clock,
      client: this.client,
      outbox: this.outbox,
      hashCost: cheapHashes,
      ids: new CartIds(sessionKey),
      offers: new OfferLookup((skus) => this.#askCatalog(skus), clock),
      limit: new SignInLimit(database),
      queue: new SignInQueue((ms) => this.pause(ms)),
    });
  }

  sell(...offers: readonly Offer[]): void {
    for (const offer of offers) this.catalog.set(offer.sku, offer);
  }

  async #askCatalog(skus: readonly string[]): Promise<Offer[]> {
    this.asked.push([...skus]);
    if (!this.catalogIsUp) throw new Error('the catalog is down');
    return skus.flatMap((sku) => this.catalog.get(sku) ?? []);
  }

  /** With a cookie: by way of the gateway's own look at sessions. */
  async ask({ cookie, ...ask }: Ask): Promise<LightMyRequestResponse> {
    if (cookie == null) return this.#inject(ask);
    const { principal, setCookie } = await this.sessions.liveHolderOf(cookie, 'http');
    const answer = await this.#inject({ ...ask, as: principal });
    if (setCookie !== null) answer.headers['set-cookie'] ??= setCookie;
    return answer;
  }

  #inject({ method, url, body, rawBody, headers, as }: Ask): Promise<LightMyRequestResponse> {
    return this.app.inject({
      method,
      url,
      headers: {
        authorization: `Bearer ${internalToken}`,
        ...(as && { [principalHeader]: encodePrincipal(as) }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { payload: JSON.stringify(body) }),
      ...(rawBody !== undefined && { payload: rawBody }),
    });
  }

  async close(): Promise<void> {
    await this.outbox.close();
    await this.app.close();
    await this.client.close();
    this.directory.close();
  }
}

const migrations = fileURLToPath(
  new URL('../../src/services/customers/migrations', import.meta.url),
);

/** Between tests of one file: takes tens of milliseconds less than a database for each test. */
export async function emptyTables(database: Database): Promise<void> {
  await database.query(
    'truncate customers, sessions, carts, erasures, sign_in_failures, audit_log',
  );
}

/** For a file of tests: each test gets a service of its own, all on one database. */
export function customersPerTest(prepare: (shop: CustomersFixture) => unknown): void {
  let postgres: PostgresFixture;
  let database: Database;
  let shop: CustomersFixture;
  beforeAll(async () => {
    postgres = await startPostgres();
    database = await postgres.createDatabase(migrations);
  });
  afterAll(() => postgres.stop());
  beforeEach(async () => {
    await emptyTables(database);
    shop = new CustomersFixture(database);
    await prepare(shop);
  });
  afterEach(() => shop.close());
}

/** `session=…` as a browser would send it back, or null where no cookie was set or kept. */
export function cookieOf(answer: LightMyRequestResponse): string | null {
  const header = answer.headers['set-cookie'];
  const text = Array.isArray(header) ? header[0] : header;
  const pair = text?.split(';')[0] ?? '';
  return /^session=.+/.test(pair) ? pair : null;
}
