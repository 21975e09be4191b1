/**
 * The socket that the world reaches. Everything here exists to bound what a stranger can hold:
 * sizes, times, connections.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Problem } from '../../kit/problem.ts';
import { answerProblem, rawProblem } from './answers.ts';
import { Doorway } from './doorway.ts';

const headerBytesMax = 16 * 1_024;
const headerLinesMax = 100;
const headersTimeoutMs = 5_000;
/** The longest body that is allowed at all: a catalogue import over a slow line. */
const requestTimeoutMs = 300_000;
const checkingIntervalMs = 1_000;
const keepAliveTimeoutMs = 10_000;
const idleSocketMs = 60_000;
const drainMsMax = 3_000;
const idleSweepMs = 50;

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export interface PublicListener {
  readonly port: number;
  /** Refuses new connections, lets open requests end, then cuts what is left. */
  close(): Promise<void>;
}

/** What the parser or a timer refused, said in HTTP where the socket still takes it. */
function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  if (error.code === 'HPE_HEADER_OVERFLOW') {
    socket.end(rawProblem(431, 'Request Header Fields Too Large', 'Too many header bytes'));
  } else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    socket.end(rawProblem(408, 'Request Timeout', 'The request came too slowly'));
  } else {
    socket.end(rawProblem(400, 'Bad Request', 'The request cannot be read'));
  }
  socket.destroySoon();
}

function bounded(handler: Handler, doorway: Doorway): Handler {
  return (request, response) => {
    doorway.welcome(request.socket);
    if (request.rawHeaders.length > 2 * headerLinesMax) {
      const problem = new Problem(431, 'too-many-headers', 'Too many header lines');
      answerProblem(request, response, problem, { closeConnection: true });
      return;
    }
    handler(request, response);
  };
}

export function createPublicServer(handler: Handler, doorway = new Doorway()): Server {
  const server = createServer(
    {
      maxHeaderSize: headerBytesMax,
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: checkingIntervalMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      requireHostHeader: true,
    },
    bounded(handler, doorway),
  );
  server.maxHeadersCount = 2 * headerLinesMax; // one more than allowed must still be seen
  server.setTimeout(idleSocketMs);
  doorway.guard(server);
  server.on('clientError', answerClientError);
  // A client that asks before it sends a large body hears our refusal instead of "go on".
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    request.once('resume', () => response.headersSent || response.writeContinue());
    bounded(handler, doorway)(request, response);
  });
  server.on('upgrade', (_request, socket) => {
    socket.end(rawProblem(400, 'Bad Request', 'No protocol to upgrade to'));
  });
  server.on('connect', (_request, socket) => {
    socket.end(rawProblem(405, 'Method Not Allowed', 'This is not a forward proxy'));
  });
  return server;
}

/**
 * Listens. Several gateways of one machine share the port, and the kernel spreads connections over
 * them; where it cannot (`ENOTSUP`, as on macOS) one gateway has the port alone.
 */
export async function listen(server: Server, port: number, host?: string): Promise<PublicListener> {
  const attempt = (reusePort: boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, reusePort, ...(host === undefined ? {} : { host }) }, () => {
        server.off('error', reject);
        resolve();
      });
    });
  await attempt(true).catch((error: Error & { code?: string }) => {
    if (error.code !== 'ENOTSUP') throw error;
    return attempt(false);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        const cut = setTimeout(() => server.closeAllConnections(), drainMsMax);
        // Connections whose last answer began before the draining still think they are kept.
        const sweep = setInterval(() => server.closeIdleConnections(), idleSweepMs);
        server.close(() => {
          clearTimeout(cut);
          clearInterval(sweep);
          resolve();
        });
      }),
  };
}
