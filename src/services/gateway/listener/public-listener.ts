/**
 * The public HTTP server. It bounds what an unknown client can use: sizes, times, connections.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net';
import { createSecureContext, type SecureContextOptions, type TLSSocket } from 'node:tls';
import { TurnResponse } from '../../../kit/http/end-of-turn.ts';
import { badRequest, Problem } from '../../../kit/http/problem.ts';
import { answerProblem, rawProblem } from '../answer/answers.ts';
import { ConnectionLimit } from './connection-limit.ts';
import type { KeyPair } from './tls.ts';

const headerBytesMax = 16 * 1_024;
const headerLinesMax = 100;
const headersTimeoutMs = 5_000;
/** Enough for the largest body, a catalogue import over a slow connection. */
const requestTimeoutMs = 300_000;
const checkingIntervalMs = 1_000;
export const keepAliveSecondsDefault = 10;
/**
 * An idle connection is kept longer than its client expects. In the event loop timers come before
 * sockets, so a delayed gateway would close a connection on which a request already waits.
 */
const keepAliveTimeoutBufferMs = 5_000;
const idleSocketMs = 60_000;
const handshakeTimeoutMs = 5_000;
const streamsPerSessionMax = 100;
const closeMsMaxDefault = 3_000;
const idleSweepMs = 50;
const graceMs = 300;

const timeLimits = {
  maxHeaderSize: headerBytesMax,
  headersTimeout: headersTimeoutMs,
  requestTimeout: requestTimeoutMs,
  connectionsCheckingInterval: checkingIntervalMs,
  keepAliveTimeout: keepAliveSecondsDefault * 1_000,
  keepAliveTimeoutBuffer: keepAliveTimeoutBufferMs,
  requireHostHeader: true,
};

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export interface PublicServer {
  readonly server: Server | Http2SecureServer;
  /** How long clients are told that a connection is kept that does nothing. */
  keepIdle(seconds: number): void;
  /** Closes idle connections: kept-alive ones, and HTTP/2 sessions without a stream. */
  closeIdle(): void;
  closeAll(): void;
}

export interface SecurePublicServer extends PublicServer {
  /** For connections from now on. Throws where key and certificate do not belong together. */
  renew(pair: KeyPair): void;
}

export interface PublicListener {
  readonly port: number;
  /** Refuses new connections, lets open requests end for `msMax`, then closes all that are left. */
  close(msMax?: number): Promise<void>;
}

/** Answers a request that the parser or a timer refused, if the socket is still writable. */
function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  if (error.code === 'HPE_HEADER_OVERFLOW') {
    const title = 'Too many header bytes';
    refuseBare(socket, rawProblem(431, 'Request Header Fields Too Large', title));
  } else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    refuseBare(socket, rawProblem(408, 'Request Timeout', 'The request came too slowly'));
  } else {
    refuseBare(socket, rawProblem(400, 'Bad Request', 'The request cannot be read'));
  }
}

/**
 * Answers on a socket that the HTTP server no longer handles, and closes it. Without this nobody
 * would notice its end or a reset: it would stay open for ever, or its error would end the process.
 */
function refuseBare(socket: Socket, answer: string): void {
  socket.on('error', () => {});
  socket.end(answer);
  socket.destroySoon();
}

function bounded(handler: Handler, connectionLimit: ConnectionLimit): Handler {
  return (request, response) => {
    connectionLimit.requestArrived(request.socket);
    const problem = headerProblem(request.rawHeaders);
    if (problem !== null) {
      response.shouldKeepAlive = false;
      answerProblem(request, response, problem);
      return;
    }
    handler(request, response);
  };
}

function headerProblem(rawHeaders: readonly string[]): Problem | null {
  if (rawHeaders.length > 2 * headerLinesMax) {
    return new Problem(431, 'too-many-headers', 'Too many header lines');
  }
  return namesOneHost(rawHeaders) ? null : badRequest('the request names more than one host');
}

/** Of several Host headers Node uses the first; a proxy or a service might use the last. */
function namesOneHost(rawHeaders: readonly string[]): boolean {
  let authority: string | undefined;
  let host: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    if (name === ':authority') authority = rawHeaders[at + 1];
    if (name.length !== 4 || name.toLowerCase() !== 'host') continue;
    if (host !== undefined) return false;
    host = rawHeaders[at + 1];
  }
  return authority === undefined || host === undefined || authority === host;
}

/** Rules of HTTP/1.1, for both kinds of server. */
function addProtocolRules(
  server: Server,
  handler: Handler,
  connectionLimit: ConnectionLimit,
): void {
  server.maxHeadersCount = 2 * headerLinesMax; // more than allowed, so that more are noticed
  server.setTimeout(idleSocketMs);
  server.on('clientError', answerClientError);
  // A client with `Expect: 100-continue` gets a refusal before it sends a large body.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    // A refused client may send the body or not, so the connection cannot be used again.
    const { shouldKeepAlive } = response;
    response.shouldKeepAlive = false;
    request.once('resume', () => {
      if (response.headersSent) return;
      response.shouldKeepAlive = shouldKeepAlive;
      response.writeContinue();
    });
    bounded(handler, connectionLimit)(request, response);
  });
  server.on('upgrade', (_request, socket) => {
    refuseBare(socket as Socket, rawProblem(400, 'Bad Request', 'No protocol to upgrade to'));
  });
  server.on('connect', (_request: IncomingMessage, target: Socket | ServerResponse) => {
    if ('statusCode' in target) {
      target.statusCode = 405; // HTTP/2 gives a response here, HTTP/1.1 the socket
      target.end();
    } else {
      const problem = rawProblem(405, 'Method Not Allowed', 'This is not a forward proxy');
      refuseBare(target, problem);
    }
  });
}

export function createPublicServer(
  handler: Handler,
  connectionLimit = new ConnectionLimit(),
): PublicServer {
  const options = { ...timeLimits, ServerResponse: TurnResponse };
  const server = createServer(options, bounded(handler, connectionLimit));
  addProtocolRules(server, handler, connectionLimit);
  connectionLimit.watch(server, 'connection');
  return {
    server,
    keepIdle(seconds) {
      server.keepAliveTimeout = seconds * 1_000;
    },
    closeIdle: () => server.closeIdleConnections(),
    closeAll: () => server.closeAllConnections(),
  };
}

/** TLS with HTTP/2, and with HTTP/1.1 for older clients. */
export function createSecurePublicServer(
  handler: Handler,
  pair: KeyPair,
  connectionLimit = new ConnectionLimit(),
): SecurePublicServer {
  const server = createSecureServer({
    ...timeLimits,
    ...secureContextOf(pair),
    allowHTTP1: true,
    Http1ServerResponse: TurnResponse,
    handshakeTimeout: handshakeTimeoutMs,
    settings: { maxConcurrentStreams: streamsPerSessionMax, maxHeaderListSize: headerBytesMax },
    maxHeaderListPairs: headerLinesMax,
  });
  const serve = bounded(handler, connectionLimit) as never;
  server.on('request', serve);
  // HTTP/2's compatibility requests look like those of HTTP/1.1 in all that is used here.
  addProtocolRules(server as unknown as Server, handler, connectionLimit);
  connectionLimit.watch(server as unknown as Server, 'secureConnection');
  const sockets = new Set<TLSSocket>();
  const sessions = new Set<ServerHttp2Session>();
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  // A stream ends with its response: an unread body would fill the window of its connection.
  server.on('stream', (stream) => stream.once('finish', () => stream.close()));
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  return {
    server,
    keepIdle(seconds) {
      (server as unknown as Server).keepAliveTimeout = seconds * 1_000; // of HTTP/1.1
    },
    closeIdle() {
      (server as unknown as Server).closeIdleConnections?.();
      for (const session of sessions) session.close(); // ends when its last stream has
    },
    closeAll() {
      for (const socket of sockets) socket.destroy();
    },
    renew(next) {
      createSecureContext(secureContextOf(next)); // throws before the old pair is replaced
      server.setSecureContext(secureContextOf(next));
    },
  };
}

function secureContextOf({ key, cert }: KeyPair): SecureContextOptions {
  return { key, cert, minVersion: 'TLSv1.2' };
}

/**
 * Listens. Several gateways on one machine share the port, and the kernel spreads the connections.
 * Where it cannot (`ENOTSUP`, as on macOS) only one gateway can run.
 */
export async function listen(
  { server, closeIdle, closeAll }: PublicServer,
  port: number,
  host?: string,
): Promise<PublicListener> {
  const attempt = (reusePort: boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, reusePort, ...(host === undefined ? {} : { host }) }, () => {
        server.off('error', reject);
        resolve();
      });
    });
  await attempt(true).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTSUP') throw error;
    return attempt(false);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: (msMax = closeMsMaxDefault) => closeGracefully({ server, closeIdle, closeAll }, msMax),
  };
}

/**
 * Accepts no new connection from now on. A request may be on its way on an idle connection, so each
 * has `graceMs` to get `connection: close` with its next answer. http's own close() would close the
 * idle ones first.
 */
function closeGracefully(
  { server, closeIdle, closeAll }: Omit<PublicServer, 'keepIdle'>,
  msMax: number,
): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(closeAll, msMax);
    let sweep: NodeJS.Timeout | undefined;
    const grace = setTimeout(() => {
      closeIdle();
      sweep = setInterval(closeIdle, idleSweepMs);
    }, graceMs);
    const closed = (): void => {
      clearTimeout(cut);
      clearTimeout(grace);
      clearInterval(sweep);
      resolve();
    };
    // Right after the event loop's poll, which has just accepted the waiting connections.
    setImmediate(() => NetServer.prototype.close.call(server, closed));
  });
}
