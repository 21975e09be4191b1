/** For tests: a gateway on a free port in front of services that are functions in this process. */
import { randomUUID } from 'node:crypto';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import type { LivingSession } from '../../src/api/internal/customers-routes.ts';
import { endpoints, openApiDocument } from '../../src/api/openapi.ts';
import { systemClock } from '../../src/kit/clock.ts';
import {
  emptyCluster,
  type ServiceInstance,
  StaticDirectory,
} from '../../src/kit/cluster/directory.ts';
import { openInternalClient } from '../../src/kit/http/internal-client.ts';
import { readOwnHosts } from '../../src/kit/http/own-hosts.ts';
import type { Principal } from '../../src/kit/http/principal.ts';
import { signToken } from '../../src/services/customers/session-token.ts';
import { AccessLog } from '../../src/services/gateway/answer/access-log.ts';
import { type Freshness, openFreshness } from '../../src/services/gateway/cache/open-cache.ts';
import { LoadBalancer } from '../../src/services/gateway/forward/load-balancer.ts';
import { LoadShedder } from '../../src/services/gateway/forward/load-shedder.ts';
import { Gateway, type GatewayParts } from '../../src/services/gateway/gateway.ts';
import {
  createPublicServer,
  createSecurePublicServer,
  type Handler,
  listen,
} from '../../src/services/gateway/listener/public-listener.ts';
import type { KeyPair } from '../../src/services/gateway/listener/tls.ts';
import { ApiPages } from '../../src/services/gateway/routing/api-pages.ts';
import { type Client, Clients } from '../../src/services/gateway/visitor/client.ts';
import { noLimits } from '../../src/services/gateway/visitor/client-limits.ts';
import { Sessions } from '../../src/services/gateway/visitor/session.ts';

export const internalToken = 'internal-token-of-the-test';
export const sessionKey = Buffer.alloc(32, 7);
export const localClient: Client = {
  address: '127.0.0.1',
  network: '127.0.0.1',
  scheme: 'http',
  host: '127.0.0.1',
};

export interface FakeService extends AsyncDisposable {
  readonly id: string;
  readonly role: string;
  readonly url: string;
  readonly server: Server;
}

async function openPort(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

export async function fakeService(
  role: string,
  answer: RequestListener,
  id = `${role}-1`,
): Promise<FakeService> {
  const server = createServer(answer);
  const port = await openPort(server);
  return {
    id,
    role,
    server,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function instanceOf(service: Pick<FakeService, 'id' | 'role' | 'url'>): ServiceInstance {
  const { id, role, url } = service;
  return { id, role, url, state: 'ready', pid: 1, since: '2026-01-01T00:00:00Z' };
}

export function publish(
  directory: StaticDirectory,
  services: readonly Pick<FakeService, 'id' | 'role' | 'url'>[],
): void {
  const revision = directory.current.revision + 1;
  directory.set({ ...emptyCluster, revision, services: services.map(instanceOf) });
}

export interface FakeShop extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly directory: StaticDirectory;
  readonly balancer: LoadBalancer;
  readonly gateway: Gateway;
  readonly freshness: Freshness;
  /** Lines of the access log. */
  readonly log: Record<string, unknown>[];
  drain(): Promise<void>;
}

function answerName(name: string) {
  return (_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/plain' }).end(name);
  };
}

export async function fakeShop(
  services: readonly FakeService[],
  overrides: Partial<GatewayParts> = {},
  keyPair: KeyPair | null = null,
): Promise<FakeShop> {
  const directory = new StaticDirectory(emptyCluster);
  publish(directory, services);
  const balancer = new LoadBalancer(directory);
  const lines: Record<string, unknown>[] = [];
  const log = pino({ level: 'info' }, { write: (line) => lines.push(JSON.parse(line)) });
  const credentials = { internalToken };
  const client = openInternalClient(directory, internalToken);
  const shedder = overrides.shedder ?? new LoadShedder();
  const freshness = openFreshness({ directory, client, log, balancer, shedder, credentials });
  const gateway = new Gateway({
    clients: new Clients(() => false, keyPair === null ? 'http' : 'https'),
    hosts: readOwnHosts(),
    hstsSeconds: keyPair?.hstsSeconds ?? 0,
    balancer,
    reads: freshness.reads,
    limits: noLimits,
    shedder,
    sessions: new Sessions(sessionKey, systemClock, async (asked) =>
      asked.map(({ sessionId }) => living.get(sessionId) ?? null),
    ),
    purchases: {
      buy: answerName('buy'),
      checkout: answerName('checkout'),
      checkoutEvents: answerName('checkout-events'),
    },
    accessLog: new AccessLog(log),
    log,
    credentials,
    apiPages: new ApiPages(openApiDocument(endpoints, '0')),
    ...overrides,
  });
  const handle: Handler = (request, response) => gateway.handle(request, response);
  const server =
    keyPair === null ? createPublicServer(handle) : createSecurePublicServer(handle, keyPair);
  const listener = await listen(server, 0, '127.0.0.1');
  const drain = async () => {
    gateway.drain();
    await listener.close();
  };
  return {
    url: `${keyPair === null ? 'http' : 'https'}://127.0.0.1:${listener.port}`,
    port: listener.port,
    directory,
    balancer,
    gateway,
    freshness,
    log: lines,
    drain,
    async [Symbol.asyncDispose]() {
      server.closeAll();
      await drain();
      shedder.close();
      await freshness.close();
      await Promise.all([client.close(), balancer.close()]);
    },
  };
}

/** Sessions that live, by their ids: what the customers service would say. */
const living = new Map<string, LivingSession>();
const idsOfCookies = new Map<string, string>();

/** The cookie of a session that lives until `endSession`. */
export async function sessionCookie(claims: Partial<Principal> = {}): Promise<string> {
  const sessionId = randomUUID();
  const principal: Principal = {
    ...{ customerId: 'customer-7', email: 'ada@example.com', role: 'customer', sessionId },
    ...claims,
  };
  living.set(sessionId, { principal, token: null });
  const { customerId, email, role } = principal;
  const token = await signToken({ customerId, email, role }, sessionId, sessionKey, Date.now());
  idsOfCookies.set(`session=${token}`, sessionId);
  return `session=${token}`;
}

/** The session ends, or lives on with the role of a customer. */
export function endSession(cookie: string, { demoted = false } = {}): void {
  const sessionId = idsOfCookies.get(cookie) ?? '';
  const session = living.get(sessionId);
  living.delete(sessionId);
  if (session === undefined || !demoted) return;
  living.set(sessionId, { ...session, principal: { ...session.principal, role: 'customer' } });
}
