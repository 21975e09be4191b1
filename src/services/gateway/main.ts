/** Starts the gateway: puts its parts together and listens. */

import { findLivingSessions } from '../../api/internal/customers-routes.ts';
import { contractVersion, endpoints, openApiDocument } from '../../api/openapi.ts';
import { systemClock } from '../../kit/clock.ts';
import { upstreamCheck } from '../../kit/cluster/upstream-check.ts';
import type { InternalClient } from '../../kit/http/internal-client.ts';
import { readOwnHosts } from '../../kit/http/own-hosts.ts';
import { cannotListen } from '../../kit/http/port-in-use.ts';
import { runService, type ServiceContext } from '../../kit/http/service.ts';
import { readTrustedProxies } from '../../kit/http/trusted-proxies.ts';
import { AccessLog } from './answer/access-log.ts';
import { exportFigures } from './answer/metrics.ts';
import { RequestMetrics } from './answer/request-metrics.ts';
import { isSoldOut } from './cache/is-sold-out.ts';
import { type Freshness, openFreshness } from './cache/open-cache.ts';
import { LoadBalancer } from './forward/load-balancer.ts';
import { LoadShedder } from './forward/load-shedder.ts';
import type { Credentials } from './forward/upstream-request.ts';
import { Gateway } from './gateway.ts';
import { CertificateRenewal } from './listener/certificate-renewal.ts';
import { ConnectionLimit } from './listener/connection-limit.ts';
import {
  createPublicServer,
  createSecurePublicServer,
  type Handler,
  keepAliveSecondsDefault,
  listen,
  type PublicServer,
} from './listener/public-listener.ts';
import { redirectToHttps } from './listener/redirect-to-https.ts';
import { hstsSecondsOwn, isCertified, type KeyPair, readKeyPair } from './listener/tls.ts';
import { PurchaseHandler } from './purchase/purchase-handler.ts';
import { ApiPages } from './routing/api-pages.ts';
import { Clients } from './visitor/client.ts';
import { noLimits, openClientLimits } from './visitor/client-limits.ts';
import { type AskSessions, Sessions } from './visitor/session.ts';
import { WaitingRoom } from './visitor/waiting-room.ts';

const portDefault = 8_080;
const upstreamRoles = ['storefront', 'catalog', 'customers', 'orders'];
const checkoutExpiryMs = 10 * 60_000;
/** Purchases wait for it, so a customers service that hangs must not hold them long. */
const sessionsDeadlineMs = 2_000;
const queueSecondsDefault = 120;

/** Asks the customers service which sessions are still valid, and for their accounts. */
function askSessions(client: InternalClient): AskSessions {
  return async (asked) => {
    const options = { body: { asked }, deadlineMs: sessionsDeadlineMs };
    return (await client.call(findLivingSessions, options)).sessions;
  };
}

/** Null where no rate is set. */
function openWaitingRoom(
  { config, directory }: ServiceContext,
  { reads }: Freshness,
): WaitingRoom | null {
  const ratePerSecond = Number(process.env['DOORBUSTER_WAITING_ROOM_RATE'] ?? 0);
  if (!(ratePerSecond > 0)) return null;
  return new WaitingRoom({
    ratePerSecond,
    key: config.sessionKey,
    now: () => Date.now(),
    gateways: () => directory.instances('gateway').length,
    isGone: (url) => isSoldOut(reads, url),
  });
}

/** `renewal` is null without TLS. */
function openServer(
  { config, log }: ServiceContext,
  handle: Handler,
  keyPair: KeyPair | null,
  connectionLimit: ConnectionLimit,
): { server: PublicServer; renewal: CertificateRenewal | null } {
  if (keyPair === null)
    return { server: createPublicServer(handle, connectionLimit), renewal: null };
  const server = createSecurePublicServer(handle, keyPair, connectionLimit);
  const read = () => readKeyPair(config.home, process.env);
  const renewal = new CertificateRenewal(keyPair, { read, use: server.renew, log });
  return { server, renewal };
}

function openPurchases(
  { config, directory, client, log }: ServiceContext,
  { stock }: Freshness,
  limitsClients: boolean,
): PurchaseHandler {
  return new PurchaseHandler({
    directory,
    client,
    gatewayId: config.id,
    stock,
    limitsClients,
    expiryMs: checkoutExpiryMs,
    onDefect: (error, requestId) => log.error({ err: error, requestId }, 'defect'),
    queueSecondsMax: Number(process.env['DOORBUSTER_QUEUE_SECONDS_MAX'] ?? queueSecondsDefault),
  });
}

/** Throws an error that says what to do where the port cannot be used. */
async function listenAs(setting: string, server: PublicServer, port: number) {
  return await listen(server, port).catch((error) => {
    throw cannotListen(error, port, setting);
  });
}

async function setup(context: ServiceContext): Promise<void> {
  const { config, directory, client, log } = context;
  const balancer = new LoadBalancer(directory, config.tls);
  context.onReadiness(upstreamCheck(directory, upstreamRoles));
  const keyPair = await readKeyPair(config.home, process.env);
  const credentials: Credentials = { internalToken: config.internalToken };
  const hosts = readOwnHosts(process.env['DOORBUSTER_HOSTS']);
  const clients = new Clients(
    readTrustedProxies(process.env['DOORBUSTER_TRUSTED_PROXIES']),
    keyPair === null ? 'http' : 'https',
    (address) => {
      log.warn(
        { address },
        'no DOORBUSTER_TRUSTED_PROXIES: all clients behind this proxy share the limits of one',
      );
    },
  );
  const shedder = new LoadShedder();
  const freshness = openFreshness({ directory, client, log, balancer, shedder, credentials });
  const limitsClients = process.env['DOORBUSTER_RATE_LIMIT'] !== 'off';
  const purchases = openPurchases(context, freshness, limitsClients);
  const waitingRoom = openWaitingRoom(context, freshness);
  const metrics = new RequestMetrics(context.metrics);
  const gateway = new Gateway({
    clients,
    hosts,
    hstsSeconds: keyPair?.hstsSeconds ?? hstsSecondsOwn,
    balancer,
    sessions: new Sessions(config.sessionKey, systemClock, askSessions(client)),
    reads: freshness.reads,
    limits: limitsClients ? openClientLimits() : noLimits,
    shedder,
    purchases,
    accessLog: new AccessLog(log),
    log,
    credentials,
    apiPages: new ApiPages(openApiDocument(endpoints, contractVersion)),
    metrics,
    ...(waitingRoom === null ? {} : { waitingRoom }),
  });
  // Replaces the count of Node, which does not report requests over HTTP/2.
  context.onLoad(() => ({ requests: freshness.reads.hits + metrics.total }));
  const connectionLimit = new ConnectionLimit();
  const handle: Handler = (request, response) => gateway.handle(request, response);
  const { server, renewal } = openServer(context, handle, keyPair, connectionLimit);
  exportFigures(context.metrics, { freshness, shedder, connectionLimit, renewal });
  server.keepIdle(Number(process.env['DOORBUSTER_KEEP_ALIVE_SECONDS'] || keepAliveSecondsDefault));
  const port = Number(process.env['PORT'] ?? portDefault);
  const listener = await listenAs('PORT', server, port);
  const redirectPort = Number(process.env['DOORBUSTER_REDIRECT_PORT'] ?? 0);
  const redirect =
    keyPair !== null && redirectPort > 0
      ? await listenAs(
          'DOORBUSTER_REDIRECT_PORT',
          createPublicServer(
            redirectToHttps(port, (name) => hosts.knows(name) || isCertified(keyPair, name)),
          ),
          redirectPort,
        )
      : null;
  log.info({ port: listener.port, tls: keyPair !== null }, 'listening');
  context.onClose(async () => {
    renewal?.close();
    gateway.drain();
    await Promise.all([listener.close(config.closeMsMax), redirect?.close()]);
    await Promise.all([purchases.close(), freshness.close()]);
    shedder.close();
    await balancer.close();
  });
}

await runService('gateway', setup);
