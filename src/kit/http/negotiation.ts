/** What a request's headers say of bodies: their type, their encoding, and what the asker has. */
import { Negotiator, negotiate } from '@fastify/accept-negotiator';
import { parse } from 'content-type';
import fresh from 'fresh';
import { LRUCache } from 'lru-cache';

export type Encoding = 'br' | 'gzip';

/** Browsers send few different ones. */
const headersMax = 200;
const encodings = new Negotiator<Encoding>({
  supportedValues: ['br', 'gzip'],
  cache: new LRUCache<string, string>({ max: headersMax }),
});

/** The encoding that an `Accept-Encoding` likes best; null where it takes none of ours. */
export function bestEncoding(accepted: string | undefined): Encoding | null {
  return accepted === undefined ? null : encodings.negotiate(accepted.toLowerCase());
}

/** Whether an `Accept` likes a page better than JSON: browsers do, programs do not. */
export function prefersPage(accepted: string | undefined): boolean {
  const supported = ['application/json', 'text/html'];
  return negotiate(accepted?.toLowerCase() ?? '', supported) === 'text/html';
}

/** Whether an `If-None-Match` names this state, compared weakly (RFC 9110). */
export function hasSameState(ifNoneMatch: string | undefined, etag: string): boolean {
  return fresh({ 'if-none-match': ifNoneMatch }, { etag });
}

/** Whether a `Content-Type` is JSON, whatever its parameters. */
export function isJson(contentType: string): boolean {
  return parse(contentType, { parameters: false }).type === 'application/json';
}
