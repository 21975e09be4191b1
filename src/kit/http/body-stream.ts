/** Request bodies that are not held in memory: passed on as they arrive, or dropped. */
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { badRequest, Problem } from './problem.ts';

/** The connection of a client that still sends a refused body after this time is closed. */
const unreadMsMax = 30_000;

export function bodyTooLarge(bytesMax: number): Problem {
  return new Problem(413, 'body-too-large', 'The request body is too large', {
    detail: `at most ${bytesMax} bytes are accepted here`,
  });
}

export function bodyBrokenOff(): Problem {
  return badRequest('the request body ended too early');
}

/**
 * Passes a body on, as fast as it is read. Throws Problem 413 after `bytesMax`, and 400 where the
 * client disconnects. If the reader stops early the connection stays open, so that a response can
 * be sent. Node's own iterator and `pipeline` would destroy it.
 */
export async function* limitedBody(source: Readable, bytesMax: number): AsyncGenerator<Buffer> {
  let bytes = 0;
  try {
    source.resume(); // emits `resume` only, at which the gateway sends 100 Continue
    for await (const chunk of source.iterator({ destroyOnReturn: false })) {
      bytes += chunk.length;
      if (bytes > bytesMax) throw bodyTooLarge(bytesMax);
      yield chunk;
    }
  } catch (error) {
    throw error instanceof Problem ? error : bodyBrokenOff();
  }
}

/**
 * Reads and drops what is left of a body after an early response, so that the connection can be
 * used for the next request. Closing at once loses responses: a client that still writes sees a
 * reset. Left unread, the body would block the next request on the connection.
 */
export function dropUnread(request: IncomingMessage): void {
  const cut = setTimeout(() => request.socket.destroy(), unreadMsMax);
  const done = (): void => clearTimeout(cut);
  request.on('error', done).on('end', done).on('close', done);
  request.on('data', () => {}).resume();
}
