/**
 * Protection against cross-site request forgery: a write of a browser must come from the shop's own
 * pages. Browsers name the origin of a request in headers that pages cannot forge. A client without
 * them is not a browser, so no other site can misuse its cookies, and it is allowed.
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
