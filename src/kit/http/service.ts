/**
 * The frame of every internal service: configuration, log, directory, internal client, a Fastify
 * server that admits only the internal credential, health and metrics, and an orderly end.
 *
 * Life: starting -> ready (listens, told whoever started it) -> draining (SIGTERM: refuses new
 * connections, finishes open requests, closes what `setup` opened) -> gone. A second signal, or
 * `drainMsMax`, ends it at once.
 *
 * A bug ends the process: an exception or a rejection that nobody handles is Node's to print, and
 * the supervisor starts anew. What a client does is never one: each stream that it can break has a
 * reader that expects it (body-stream.ts).
 */
import { timingSafeEqual } from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { flushCompileCache } from 'node:module';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { TLSSocket } from 'node:tls';
import { type FastifyError, type FastifyInstance, fastify } from 'fastify';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { type Directory, openDirectory } from '../cluster/directory.ts';
import type { InternalTls } from '../cluster/internal-tls.ts';
import { readServiceConfig, type ServiceConfig } from '../cluster/service-config.ts';
import { isRetryable } from '../database/postgres.ts';
import { createLog, type Log } from '../log.ts';
import { addBundleRoute, CallTable } from './call-table.ts';
import { TurnResponse } from './end-of-turn.ts';
import { type InternalClient, openInternalClient } from './internal-client.ts';
import { invalid, Problem, problemContentType, unavailable } from './problem.ts';
import { allowEmptyJson, jsonParser, validatorCompiler } from './validation.ts';

const drainMsMax = 4_000;
/** Its timer wakes the process so often: an idle one took 0.3 % of a core at 10 ms, the default. */
const loopDelayEveryMs = 100;
const bodyBytesMax = 16 * 1024 * 1024;
/** Answers to calls that came together leave together. */
const together = { ServerResponse: TurnResponse };

export interface ServiceContext {
  readonly config: ServiceConfig;
  readonly log: Log;
  readonly directory: Directory;
  readonly client: InternalClient;
  readonly metrics: Registry;
  readonly app: FastifyInstance;
  /** Reasons why this service cannot do its work now; an empty list is ready. */
  onReadiness(check: () => Promise<readonly string[]> | readonly string[]): void;
  /** Figures of this role's own work, added to GET /internal/load. */
  onLoad(figures: () => Readonly<Record<string, number>>): void;
  /** Runs when the service stops, in reverse order of registration. */
  onClose(close: () => Promise<void> | void): void;
}

export type Setup = (context: ServiceContext) => Promise<void>;

/** Fastify with our credential check, problem documents and limits; tests use it with `inject`. */
export function createApp(
  internalToken: string,
  log: Log,
  tls: InternalTls | null = null,
): FastifyInstance {
  const app = fastify({
    // Probes without a certificate are let in; everybody else is asked for one below.
    ...(tls === null
      ? { http: together }
      : { https: { ...together, ...tls, requestCert: true, rejectUnauthorized: false } }),
    bodyLimit: bodyBytesMax,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 512 },
  });
  app.setValidatorCompiler(validatorCompiler);
  allowEmptyJson(app);
  const expected = Buffer.from(`Bearer ${internalToken}`);
  const isStranger = (socket: Socket): boolean => tls !== null && !(socket as TLSSocket).authorized;
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.open === true) return;
    const given = Buffer.from(request.headers.authorization ?? '');
    const isKnown = given.length === expected.length && timingSafeEqual(given, expected);
    if (!isKnown || isStranger(request.raw.socket)) {
      throw new Problem(401, 'internal-only', 'This port serves only the shop itself');
    }
  });
  app.setNotFoundHandler((request, reply) => {
    const body = new Problem(404, 'not-found', 'Not found', { detail: request.url }).body;
    reply.code(404).type(problemContentType).send(JSON.stringify(body));
  });
  const excuse = (error: unknown, url: string, requestId: unknown): Problem => {
    const problem = problemOf(error);
    if (problem.body.status >= 500 && !(error instanceof Problem)) {
      log.error({ err: error, url, requestId }, 'request failed');
    }
    return problem;
  };
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const problem = excuse(error, request.url, request.headers['x-request-id']);
    reply.code(problem.body.status).headers(problem.headers).type(problemContentType);
    return reply.send(JSON.stringify(problem.body));
  });
  const calls = new CallTable({
    parseJson: jsonParser(app),
    excuse: (error, { path, headers }) => excuse(error, path, headers['x-request-id']),
  });
  app.decorate('calls', calls);
  addBundleRoute(app, calls);
  return app;
}

declare module 'fastify' {
  interface FastifyInstance {
    /** What can be asked for in a bundle, too. */
    readonly calls: CallTable;
  }
  interface FastifyContextConfig {
    /** Reachable without the internal credential (health probes only). */
    open?: boolean;
  }
}

/** The one place where errors become HTTP. */
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
    detail: 'The failure is logged with the request id. Trying again is safe with the same key.',
  });
}

/** Runs until it is told to stop. A failed start ends the process, and says why to its parent. */
export async function runService(role: string, setup: Setup): Promise<void> {
  try {
    await start(role, setup);
  } catch (error) {
    const message = { type: 'failed', why: (error as Error).message };
    await new Promise((told) =>
      process.send === undefined ? told(null) : process.send(message, told),
    );
    throw error; // Node prints it and ends with 1
  }
}

async function start(role: string, setup: Setup): Promise<void> {
  const config = readServiceConfig(role);
  const log = createLog(config.id);
  const directory = openDirectory(config.home);
  const client = openInternalClient(directory, config.internalToken, config.tls);
  const metrics = new Registry();
  metrics.setDefaultLabels({ service: config.id });
  collectDefaultMetrics({ register: metrics, eventLoopMonitoringPrecision: loopDelayEveryMs });
  const app = createApp(config.internalToken, log, config.tls);
  const closers: (() => Promise<void> | void)[] = [];
  const checks: (() => Promise<readonly string[]> | readonly string[])[] = [];

  addHealthRoutes(app, metrics, checks);
  let ownLoad: () => Readonly<Record<string, number>> = () => ({});
  addLoadRoute(app, () => ownLoad());
  const stop = orderlyEnd(log, async () => {
    await app.close();
    for (const close of closers.reverse()) await close();
    await client.close();
    directory.close();
  });
  process.on('disconnect', () => {}); // a dead supervisor is no reason to stop selling
  await setup({
    config,
    log,
    directory,
    client,
    metrics,
    app,
    onReadiness: (check) => checks.push(check),
    onLoad: (figures) => {
      ownLoad = figures;
    },
    onClose: (close) => closers.push(close),
  });
  // Compiled code is kept for the next start, now, while nobody waits for an answer. Node would
  // write it at the very end: stopping would take seconds, and who is killed would leave nothing.
  flushCompileCache();
  const url = await app.listen({ host: config.host, port: config.port });
  process.on('SIGTERM', stop).on('SIGINT', stop);
  log.info({ url }, 'ready');
  process.send?.({ type: 'ready', url });
}

function addHealthRoutes(
  app: FastifyInstance,
  metrics: Registry,
  checks: readonly (() => Promise<readonly string[]> | readonly string[])[],
): void {
  const open = { config: { open: true } };
  app.get('/healthz', open, async () => ({ status: 'alive' }));
  app.get('/readyz', open, async (_request, reply) => {
    const reasons = (await Promise.all(checks.map((check) => check()))).flat();
    return reply
      .code(reasons.length === 0 ? 200 : 503)
      .send({ ready: reasons.length === 0, reasons });
  });
  app.get('/metrics', open, async (_request, reply) => {
    return reply.type(metrics.contentType).send(await metrics.metrics());
  });
}

/** Questions about ourselves, which are no work. */
const watching = /^\/(?:healthz|readyz|metrics|internal\/load)\b/;

/**
 * How much work this process did since it started, for whoever decides how many there should be:
 * a few numbers, asked for several times a second, where reading all metrics would be work itself.
 * Requests are counted where Node announces them, on every listener of the process.
 */
function addLoadRoute(app: FastifyInstance, own: () => Readonly<Record<string, number>>): void {
  let requests = 0;
  subscribe('http.server.request.start', (message) => {
    const { request } = message as { request: IncomingMessage };
    if (!watching.test(request.url ?? '')) requests += 1;
  });
  app.get('/internal/load', async () => {
    const busyMs = performance.eventLoopUtilization().active;
    return { busyMs, requests: requests + app.calls.carried, ...own() };
  });
}

/** Returns a handler that closes everything once, then ends the process. */
export function orderlyEnd(log: Log, close: () => Promise<void>): () => void {
  let stopping = false;
  return () => {
    if (stopping) process.exit(1);
    stopping = true;
    setTimeout(() => {
      log.error('draining took too long');
      process.exit(1);
    }, drainMsMax).unref();
    close().then(
      () => process.exit(0),
      (error) => {
        log.error({ err: error }, 'could not stop cleanly');
        process.exit(1);
      },
    );
  };
}
