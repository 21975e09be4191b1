/**
 * What every internal service has: configuration, log, directory, internal client, a Fastify server
 * that requires the internal credential, health and metrics, and a graceful shutdown.
 *
 * Life: starting -> ready (it listens, and has reported this to its parent) -> draining (SIGTERM:
 * it is not ready, and serves on for `drainMs`, until nobody sends it requests) -> closing (it
 * refuses new connections, finishes open requests, closes what `setup` opened) -> gone. A second
 * signal, or `closeMsMax`, ends it at once.
 *
 * A bug ends the process: Node prints the unhandled exception or rejection, and the supervisor
 * restarts the service. A client can never cause one: each stream that a client can break has a
 * reader that handles it (body-stream.ts).
 */
import { timingSafeEqual } from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { flushCompileCache } from 'node:module';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { type FastifyError, type FastifyInstance, fastify } from 'fastify';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Directory } from '../cluster/directory.ts';
import type { InternalTls } from '../cluster/internal-tls.ts';
import { openDirectory } from '../cluster/open-directory.ts';
import { readServiceConfig, type ServiceConfig } from '../cluster/service-config.ts';
import {
  databaseCheck,
  migrateWhenReached,
  type OwnDatabase,
  openOwnDatabase,
} from '../database/own-database.ts';
import { type Database, isRetryable } from '../database/postgres.ts';
import { createLog, type Log } from '../log.ts';
import { addBundleRoute, CallTable } from './call-table.ts';
import { TurnResponse } from './end-of-turn.ts';
import { type InternalClient, openInternalClient } from './internal-client.ts';
import { invalid, Problem, problemContentType, unavailable } from './problem.ts';
import { allowEmptyJson, jsonParser, validatorCompiler } from './validation.ts';

/** For what is closed when all requests have ended. */
const cleanupMsMax = 1_000;
/** Timer of the loop delay metric. At 10 ms, the default, it took 0.3 % of a core when idle. */
const loopDelayEveryMs = 100;
const bodyBytesMax = 16 * 1024 * 1024;
/** Responses of one turn of the event loop are sent together. */
const serverOptions = { ServerResponse: TurnResponse };

/** Reasons why a service cannot do its work now; it is ready if there are none. */
type ReadinessCheck = () => Promise<readonly string[]> | readonly string[];

export interface ServiceContext {
  readonly config: ServiceConfig;
  readonly log: Log;
  readonly directory: Directory;
  readonly client: InternalClient;
  readonly metrics: Registry;
  readonly app: FastifyInstance;
  /** The role's own database, at its newest schema. The service is ready while it answers. */
  openDatabase(options: OwnDatabase): Promise<Database>;
  onReadiness(check: ReadinessCheck): void;
  /** Figures of this role, added to GET /internal/load. */
  onLoad(figures: () => Readonly<Record<string, number>>): void;
  /** Runs when the service stops, in reverse order of registration. */
  onClose(close: () => Promise<void> | void): void;
}

export type Setup = (context: ServiceContext) => Promise<void>;

/** Fastify with credential check, problem documents and limits; tests use it with `inject`. */
export function createApp(
  internalToken: string,
  log: Log,
  tls: InternalTls | null = null,
): FastifyInstance {
  const app = fastify({
    // Health probes need no certificate; the hook below requires one for everything else.
    ...(tls === null
      ? { http: serverOptions }
      : { https: { ...serverOptions, ...tls, requestCert: true, rejectUnauthorized: false } }),
    bodyLimit: bodyBytesMax,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 512 },
  });
  app.setValidatorCompiler(validatorCompiler);
  allowEmptyJson(app);
  const expected = Buffer.from(`Bearer ${internalToken}`);
  const hasCertificate = (socket: Socket) => tls === null || (socket as TLSSocket).authorized;
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.open === true) return;
    const given = Buffer.from(request.headers.authorization ?? '');
    const isOwn = given.length === expected.length && timingSafeEqual(given, expected);
    if (!isOwn || !hasCertificate(request.raw.socket)) {
      throw new Problem(401, 'internal-only', 'This port serves only the shop itself');
    }
  });
  app.setNotFoundHandler((request, reply) => {
    const body = new Problem(404, 'not-found', 'Not found', { detail: request.url }).body;
    reply.code(404).type(problemContentType).send(JSON.stringify(body));
  });
  const toProblem = (error: unknown, url: string, requestId: unknown): Problem => {
    const problem = problemOf(error);
    if (problem.body.status >= 500 && !(error instanceof Problem)) {
      log.error({ err: error, url, requestId }, 'request failed');
    }
    return problem;
  };
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = toProblem(error, request.url, request.headers['x-request-id']);
    reply.code(problem.body.status).headers(problem.headers).type(problemContentType);
    return reply.send(JSON.stringify(problem.body));
  });
  const calls = new CallTable({
    parseJson: jsonParser(app),
    toProblem: (error, { path, headers }) => toProblem(error, path, headers['x-request-id']),
  });
  endUnusedConnections(app, tls === null ? 'connection' : 'secureConnection');
  app.decorate('calls', calls);
  addBundleRoute(app, calls);
  return app;
}

/** Node would wait for connections that never sent a request, as a client's pool opens them. */
function endUnusedConnections(
  app: FastifyInstance,
  opened: 'connection' | 'secureConnection',
): void {
  const unused = new Set<Socket>();
  app.server.on(opened, (socket: Socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  app.server.on('request', ({ socket }) => unused.delete(socket));
  app.addHook('preClose', async () => {
    for (const socket of unused) socket.destroy();
  });
}

declare module 'fastify' {
  interface FastifyInstance {
    /** The routes that accept call bundles. */
    readonly calls: CallTable;
  }
  interface FastifyContextConfig {
    /** Reachable without the internal credential (health probes only). */
    open?: boolean;
  }
}

/** The one place that translates errors to HTTP. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const { validation, validationContext, statusCode, message } = error as FastifyError;
  if (validation !== undefined) {
    const errors = validation.map((each) => ({
      path: `${validationContext ?? 'body'}${each.instancePath}`,
      message: each.message ?? 'is not valid',
    }));
    return invalid(errors);
  }
  if (isRetryable(error)) return unavailable('the database is changing its leader; try again');
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return new Problem(statusCode, 'bad-request', 'The request cannot be read', {
      detail: message,
    });
  }
  return new Problem(500, 'internal', 'Something went wrong on our side', {
    detail: 'The error is in our log, with the request id. It is safe to repeat with the same key.',
  });
}

/** Runs a service until a signal stops it. A failed start is reported to the parent process. */
export async function runService(role: string, setup: Setup): Promise<void> {
  try {
    await start(role, setup);
  } catch (error) {
    const message = { type: 'failed', why: (error as Error).message };
    await new Promise((sent) =>
      process.send === undefined ? sent(null) : process.send(message, sent),
    );
    throw error; // Node prints it and ends with 1
  }
}

async function start(role: string, setup: Setup): Promise<void> {
  const config = readServiceConfig(role);
  const log = createLog(config.id);
  const directory = openDirectory(config.home, config.tls, process.env);
  const client = openInternalClient(directory, config.internalToken, config.tls);
  const metrics = new Registry();
  metrics.setDefaultLabels({ service: config.id });
  collectDefaultMetrics({ register: metrics, eventLoopMonitoringPrecision: loopDelayEveryMs });
  const app = createApp(config.internalToken, log, config.tls);
  const closers: (() => Promise<void> | void)[] = [];
  const checks: ReadinessCheck[] = [];

  const shutdown = new Shutdown(config, log, async () => {
    await app.close();
    for (const close of closers.reverse()) await close();
    await client.close();
    directory.close();
  });
  addHealthRoutes(app, { id: config.id, metrics, checks, shutdown });
  let ownLoad: () => Readonly<Record<string, number>> = () => ({});
  addLoadRoute(app, () => ownLoad());
  process.on('disconnect', () => {}); // the shop goes on selling when the supervisor dies
  const onReadiness = (check: ReadinessCheck): void => void checks.push(check);
  const openDatabase = async (own: OwnDatabase): Promise<Database> => {
    const database = openOwnDatabase(own, config, directory);
    closers.push(() => database.close());
    onReadiness(databaseCheck(database));
    if (own.migrations !== undefined)
      await migrateWhenReached(database, own.migrations, config, log);
    return database;
  };
  await setup({
    config,
    log,
    directory,
    client,
    metrics,
    app,
    openDatabase,
    onReadiness,
    onLoad: (figures) => {
      ownLoad = figures;
    },
    onClose: (close) => closers.push(close),
  });
  // Writes the compile cache for the next start now, while no request waits. Node would write it
  // at exit: shutdown would take seconds, and a killed process would leave no cache.
  flushCompileCache();
  const url = await app.listen({ host: config.host, port: config.port });
  const stop = (): void => void shutdown.begin();
  process.on('SIGTERM', stop).on('SIGINT', stop);
  log.info({ url }, 'ready');
  process.send?.({ type: 'ready', url });
}

interface Health {
  readonly id: string;
  readonly metrics: Registry;
  readonly checks: readonly ReadinessCheck[];
  readonly shutdown: { readonly isDraining: boolean };
}

function addHealthRoutes(app: FastifyInstance, { id, metrics, checks, shutdown }: Health): void {
  const open = { config: { open: true } };
  app.get('/healthz', open, async () => ({ status: 'alive' }));
  app.get('/readyz', open, async (_request, reply) => {
    const draining = shutdown.isDraining;
    const reasons = draining
      ? ['it is shutting down']
      : (await Promise.all(checks.map((check) => check()))).flat();
    const ready = reasons.length === 0;
    return reply.code(ready ? 200 : 503).send({ id, ready, draining, reasons });
  });
  app.get('/metrics', open, async (_request, reply) => {
    return reply.type(metrics.contentType).send(await metrics.metrics());
  });
}

/** Requests of probes and of the scaler, which do not count as load. */
const monitoring = /^\/(?:healthz|readyz|metrics|internal\/load)\b/;

/**
 * The load of this process since it started, for the scaler. It asks several times a second, so
 * this is cheaper than reading all metrics. Node reports the requests of every listener of the
 * process on a diagnostics channel.
 */
function addLoadRoute(app: FastifyInstance, own: () => Readonly<Record<string, number>>): void {
  let requests = 0;
  subscribe('http.server.request.start', (message) => {
    const { request } = message as { request: IncomingMessage };
    if (!monitoring.test(request.url ?? '')) requests += 1;
  });
  app.get('/internal/load', async () => {
    const busyMs = performance.eventLoopUtilization().active;
    return { busyMs, requests: requests + app.calls.extraCalls, ...own() };
  });
}

type ShutdownLimits = Pick<ServiceConfig, 'drainMs' | 'closeMsMax'>;

/** Serves on for `drainMs`, calls `close` once, and then ends the process. */
class Shutdown {
  readonly #limits: ShutdownLimits;
  readonly #log: Log;
  readonly #close: () => Promise<void>;
  isDraining = false;

  constructor(limits: ShutdownLimits, log: Log, close: () => Promise<void>) {
    this.#limits = limits;
    this.#log = log;
    this.#close = close;
  }

  /** The second call ends the process at once. */
  async begin(): Promise<void> {
    if (this.isDraining) process.exit(1);
    this.isDraining = true;
    const { drainMs, closeMsMax } = this.#limits;
    await sleep(drainMs);
    setTimeout(() => {
      this.#log.error('draining took too long');
      process.exit(1);
    }, closeMsMax + cleanupMsMax).unref();
    try {
      await this.#close();
      process.exit(0);
    } catch (error) {
      this.#log.error({ err: error }, 'could not stop cleanly');
      process.exit(1);
    }
  }
}
