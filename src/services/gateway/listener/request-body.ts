/** Reads whole request bodies within limits of size and time. */
import type { IncomingMessage } from 'node:http';
import { bodyBrokenOff, bodyTooLarge } from '../../../kit/http/body-stream.ts';
import { Problem } from '../../../kit/http/problem.ts';

/** A body that takes longer is refused. */
const bodyMsMax = 10_000;

/** Refuses by the announced length before a single byte is read. */
export function checkAnnouncedLength(request: IncomingMessage, bytesMax: number): void {
  const announced = request.headers['content-length'];
  if (announced !== undefined && Number(announced) > bytesMax) throw bodyTooLarge(bytesMax);
}

export function hasBody({ headers, method }: IncomingMessage): boolean {
  if (method === 'GET' || method === 'HEAD') return false;
  return headers['transfer-encoding'] !== undefined || headers['content-length'] !== '0';
}

/** Gets the whole body, or a Problem: 413, 408, or 400 if the client disconnected. */
export interface BodyReceiver {
  onBody(body: Buffer): void;
  onNoBody(problem: Problem): void;
}

/**
 * Collects the whole body. So a slow sender occupies only the gateway, where it is cheap, and the
 * request can be repeated. Throws Problem 413 where the announced length is too large.
 */
export function collectBody(
  request: IncomingMessage,
  bytesMax: number,
  receiver: BodyReceiver,
): void {
  checkAnnouncedLength(request, bytesMax);
  let chunks: Buffer[] | null = [];
  let bytes = 0;
  const refuse = (problem: Problem): void => {
    if (chunks === null) return;
    chunks = null;
    clearTimeout(late);
    receiver.onNoBody(problem);
  };
  let late: NodeJS.Timeout | undefined;
  // Nearly every body comes together with its head: it is complete by the next tick, without a
  // timer.
  process.nextTick(() => {
    if (chunks === null || request.complete) return;
    late = setTimeout(() => {
      refuse(new Problem(408, 'body-too-slow', 'The request body came too slowly'));
    }, bodyMsMax);
  });
  const broken = (): void => {
    if (chunks === null) return; // nearly always: `close` also comes after a complete request
    refuse(bodyBrokenOff());
  };
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > bytesMax) refuse(bodyTooLarge(bytesMax));
    else chunks?.push(chunk);
  });
  request.on('end', () => {
    if (chunks === null) return;
    const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
    chunks = null;
    clearTimeout(late);
    receiver.onBody(body);
  });
  request.on('error', broken).on('close', broken);
}

/** As `collectBody`. Rejects with its Problem. */
export function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  return new Promise((onBody, onNoBody) => {
    collectBody(request, bytesMax, { onBody, onNoBody });
  });
}
