/**
 * Cross-site request forgery: a write that a browser sends must come from our own pages. Browsers
 * say where a request comes from in headers that pages cannot forge; a client without them is not
 * a browser, carries no stolen cookie, and is let through.
 */
import type { IncomingMessage } from 'node:http';

const safeMethods: readonly string[] = ['GET', 'HEAD', 'OPTIONS'];

/** `host`: by which the client reached the shop, with its port. */
export function isForeignWrite(
  { method, headers }: Pick<IncomingMessage, 'method' | 'headers'>,
  host: string,
): boolean {
  if (method === undefined || safeMethods.includes(method)) return false;
  const site = headers['sec-fetch-site'];
  if (site === 'same-origin' || site === 'none') return false;
  if (site !== undefined) return true;
  const { origin } = headers;
  if (origin === undefined) return false;
  return originHost(origin) !== host.toLowerCase();
}

function originHost(origin: string): string | null {
  try {
    return new URL(origin).host;
  } catch {
    return null; // "null": a sandboxed frame or a file
  }
}
