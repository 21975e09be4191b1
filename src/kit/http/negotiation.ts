/** Content negotiation and conditional requests: reads what a request's headers say of bodies. */
import { Negotiator, negotiate } from '@fastify/accept-negotiator';
import { parse } from 'content-type';
import fresh from 'fresh';
import { LRUCache } from 'lru-cache';

export type Encoding = 'br' | 'gzip';

/** Different `Accept-Encoding` headers that are cached; browsers send few. */
const headersMax = 200;
const encodings = new Negotiator<Encoding>({
  supportedValues: ['br', 'gzip'],
  cache: new LRUCache<string, string>({ max: headersMax }),
});

/** The preferred encoding of an `Accept-Encoding`; null where it accepts none of ours. */
export function bestEncoding(accepted: string | undefined): Encoding | null {
  return accepted === undefined ? null : encodings.negotiate(accepted.toLowerCase());
}

/** Whether an `Accept` prefers HTML to JSON: that of browsers does, that of programs does not. */
export function prefersPage(accepted: string | undefined): boolean {
  const supported = ['application/json', 'text/html'];
  return negotiate(accepted?.toLowerCase() ?? '', supported) === 'text/html';
}

/** Whether an `If-None-Match` matches this ETag by weak comparison (RFC 9110). */
export function hasSameState(ifNoneMatch: string | undefined, etag: string): boolean {
  return fresh({ 'if-none-match': ifNoneMatch }, { etag });
}

/** Whether a `Content-Type` is JSON; its parameters do not matter. */
export function isJson(contentType: string): boolean {
  return parse(contentType, { parameters: false }).type === 'application/json';
}
