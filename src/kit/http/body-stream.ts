/** Request bodies that nobody holds in memory: passed on as they arrive, or dropped. */
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { badRequest, Problem } from './problem.ts';

/** A client that still sends what was refused long ago is cut off. */
const unreadMsMax = 5_000;

export function bodyTooLarge(bytesMax: number): Problem {
  return new Problem(413, 'body-too-large', 'The request body is too large', {
    detail: `at most ${bytesMax} bytes are accepted here`,
  });
}

export function bodyBrokenOff(): Problem {
  return badRequest('the request body ended too early');
}

/**
 * Passes a body on, with the pace of its reader. Throws Problem 413 behind `bytesMax`, and 400
 * where the client leaves. A reader that stops early leaves the connection as it is, so that an
 * answer can be sent: Node's own iterator and `pipeline` would destroy it.
 */
export async function* limitedBody(source: Readable, bytesMax: number): AsyncGenerator<Buffer> {
  let bytes = 0;
  try {
    source.resume(); // only the event `resume` follows: it has the gateway send 100 Continue
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
 * Reads and drops what is left of a body behind an early answer, so that its connection can carry
 * the next request. Closing at once, as was done before, loses answers: a client that still writes
 * sees a reset. Left unread, the body would block whoever uses the connection next.
 */
export function dropUnread(request: IncomingMessage): void {
  const cut = setTimeout(() => request.socket.destroy(), unreadMsMax);
  const over = (): void => clearTimeout(cut);
  request.on('error', over).on('end', over).on('close', over);
  request.on('data', () => {}).resume();
}
