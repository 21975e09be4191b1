/**
 * Security headers for browsers. The storefront may set its own policy for a page (a nonce, a
 * payment frame); these are for answers that set none.
 */
import type { IncomingHttpHeaders } from 'node:http';

export type HeaderValues = Record<string, string | string[]>;

const pagePolicy = [
  "default-src 'self'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** Headers to add to an answer of a service. `sent`: those that it has. */
export function securityHeaders(sent: IncomingHttpHeaders): HeaderValues {
  const added: HeaderValues = { 'x-content-type-options': 'nosniff' };
  if (sent['content-type']?.startsWith('text/html') !== true) return added;
  added['content-security-policy'] = sent['content-security-policy'] ?? pagePolicy;
  // Addresses of orders carry tokens: other sites never see where a visitor came from.
  added['referrer-policy'] = sent['referrer-policy'] ?? 'same-origin';
  added['x-frame-options'] = 'DENY';
  added['cross-origin-opener-policy'] = 'same-origin';
  added['permissions-policy'] = 'camera=(), microphone=(), geolocation=()';
  return added;
}
