/**
 * The socket that the world reaches. Everything here bounds what an unknown client can hold: sizes,
 * times, connections.
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
/** The longest body that is allowed at all: a catalogue import over a slow line. */
const requestTimeoutMs = 300_000;
const checkingIntervalMs = 1_000;
const keepAliveTimeoutMs = 10_000;
/**
 * A connection that does nothing is kept longer than its client is told. Timers come before sockets
 * in the loop, so a gateway that was held up would cut it although a request already waits there.
 */
const keepAliveTimeoutBufferMs = 5_000;
const idleSocketMs = 60_000;
const handshakeTimeoutMs = 5_000;
const streamsPerSessionMax = 100;
const drainMsMax = 3_000;
const idleSweepMs = 50;
const goodbyeMs = 300;

const timeLimits = {
  maxHeaderSize: headerBytesMax,
  headersTimeout: headersTimeoutMs,
  requestTimeout: requestTimeoutMs,
  connectionsCheckingInterval: checkingIntervalMs,
  keepAliveTimeout: keepAliveTimeoutMs,
  keepAliveTimeoutBuffer: keepAliveTimeoutBufferMs,
  requireHostHeader: true,
};

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export interface PublicServer {
  readonly server: Server | Http2SecureServer;
  /** Ends connections that do nothing: kept-alive ones, and HTTP/2 sessions without a stream. */
  closeIdle(): void;
  closeAll(): void;
}

export interface SecurePublicServer extends PublicServer {
  /** For connections from now on. Throws where key and certificate do not belong together. */
  renew(pair: KeyPair): void;
}

export interface PublicListener {
  readonly port: number;
  /** Refuses new connections, lets open requests end, then cuts what is left. */
  close(): Promise<void>;
}

/** What the parser or a timer refused, said in HTTP where the socket still takes it. */
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
 * The last word on a socket that HTTP has let go of. Nobody reads it any more, so nobody would see
 * its other side end, or a reset: left to itself it would stay for ever, or end the process.
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

/** Node keeps the first of several; whoever stands before or behind us might keep the last. */
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

/** What HTTP/1.1 asks of both kinds of server. */
function addProtocolRules(
  server: Server,
  handler: Handler,
  connectionLimit: ConnectionLimit,
): void {
  server.maxHeadersCount = 2 * headerLinesMax; // one more than allowed must still be seen
  server.setTimeout(idleSocketMs);
  server.on('clientError', answerClientError);
  // A client that asks before it sends a large body gets our refusal instead of "go on".
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    // One that is refused may leave the body out, so its next request could not be told from it.
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
      target.statusCode = 405; // HTTP/2 hands over an answer, HTTP/1.1 the bare socket
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
    closeIdle: () => server.closeIdleConnections(),
    closeAll: () => server.closeAllConnections(),
  };
}

/** TLS with HTTP/2, and HTTP/1.1 for who speaks nothing newer. */
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
  // The compatibility requests of HTTP/2 have the shape of HTTP/1.1's wherever we look at them.
  addProtocolRules(server as unknown as Server, handler, connectionLimit);
  connectionLimit.watch(server as unknown as Server, 'secureConnection');
  const sockets = new Set<TLSSocket>();
  const sessions = new Set<ServerHttp2Session>();
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  // A stream ends with its answer: a body that nobody reads would fill its connection.
  server.on('stream', (stream) => stream.once('finish', () => stream.close()));
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  return {
    server,
    closeIdle() {
      (server as unknown as Server).closeIdleConnections?.();
      for (const session of sessions) session.close(); // ends when its last stream has
    },
    closeAll() {
      for (const socket of sockets) socket.destroy();
    },
    renew(next) {
      createSecureContext(secureContextOf(next)); // throws before the old pair is forgotten
      server.setSecureContext(secureContextOf(next));
    },
  };
}

function secureContextOf({ key, cert }: KeyPair): SecureContextOptions {
  return { key, cert, minVersion: 'TLSv1.2' };
}

/**
 * Listens. Several gateways of one machine share the port, and the kernel spreads connections over
 * them; where it cannot (`ENOTSUP`, as on macOS) one gateway has the port alone.
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
    close: () => closeGently({ server, closeIdle, closeAll }),
  };
}

/**
 * Takes no new connection from now on. A kept-alive one may have a request on its way to us at this
 * very moment, so it is given `goodbyeMs` to get `connection: close` with its next answer; that is
 * why this is not http's own close(), which cuts the idle ones first.
 */
function closeGently({ server, closeIdle, closeAll }: PublicServer): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(closeAll, drainMsMax);
    let sweep: NodeJS.Timeout | undefined;
    const goodbye = setTimeout(() => {
      closeIdle();
      sweep = setInterval(closeIdle, idleSweepMs);
    }, goodbyeMs);
    const closed = (): void => {
      clearTimeout(cut);
      clearTimeout(goodbye);
      clearInterval(sweep);
      resolve();
    };
    // Right behind the loop's poll, when what was waiting at the socket has just been accepted.
    setImmediate(() => NetServer.prototype.close.call(server, closed));
  });
}
