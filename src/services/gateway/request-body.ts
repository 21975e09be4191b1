import type { IncomingMessage } from 'node:http';
import { Transform } from 'node:stream';
import { Problem } from '../../kit/problem.ts';

/** A body that trickles in for longer than this is not waited for. */
const bodyMsMax = 10_000;

export function bodyTooLarge(bytesMax: number): Problem {
  return new Problem(413, 'body-too-large', 'The request body is too large', {
    detail: `at most ${bytesMax} bytes are accepted here`,
  });
}

/** Refuses by the announced length before a single byte is read. */
export function checkAnnouncedLength(request: IncomingMessage, bytesMax: number): void {
  const announced = request.headers['content-length'];
  if (announced !== undefined && Number(announced) > bytesMax) throw bodyTooLarge(bytesMax);
}

export function hasBody({ headers, method }: IncomingMessage): boolean {
  if (method === 'GET' || method === 'HEAD') return false;
  return headers['transfer-encoding'] !== undefined || headers['content-length'] !== '0';
}

/**
 * The whole body. A slow sender thus occupies the gateway, where it is cheap, and no service; and
 * the request can be sent again. Throws Problem 413, 408, or 400 where the client went away.
 */
export function readBody(
  request: IncomingMessage,
  bytesMax: number,
  millisecondsMax = bodyMsMax,
): Promise<Buffer> {
  checkAnnouncedLength(request, bytesMax);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const late = setTimeout(() => {
      reject(new Problem(408, 'body-too-slow', 'The request body came too slowly'));
    }, millisecondsMax);
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= bytesMax) chunks.push(chunk);
      else reject(bodyTooLarge(bytesMax));
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    const broken = () =>
      reject(new Problem(400, 'bad-request', 'The request body ended too early'));
    request.on('aborted', broken).on('error', broken);
    request.once('close', () => clearTimeout(late));
  });
}

/** Passes a large body on as it arrives, and breaks off behind `bytesMax`. */
export function limitedBody(request: IncomingMessage, bytesMax: number): Transform {
  checkAnnouncedLength(request, bytesMax);
  let bytes = 0;
  const limited = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > bytesMax) done(bodyTooLarge(bytesMax));
      else done(null, chunk);
    },
  });
  request.on('aborted', () => limited.destroy(new Error('the client went away')));
  return request.pipe(limited);
}
