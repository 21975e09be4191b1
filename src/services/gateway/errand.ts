/** What is sent to a service on behalf of a visitor. */
import type { IncomingMessage } from 'node:http';
import { encodePrincipal, principalHeader } from '../../kit/principal.ts';
import { type Errand, passedHeaders } from './proxy.ts';
import { hasBody, limitedBody, readBody } from './request-body.ts';
import type { RequestContext } from './request-context.ts';
import type { Rule } from './routes.ts';

export interface Credentials {
  readonly internalToken: string;
  /** Whether visitors come over TLS. */
  readonly encrypted: boolean;
  /** How long browsers must insist on TLS; 0 without it. */
  readonly hstsSeconds: number;
}

function commonHeaders(
  request: IncomingMessage,
  { requestId, traceparent }: RequestContext,
  { internalToken, encrypted }: Credentials,
): Record<string, string> {
  return {
    ...passedHeaders(request.headers),
    authorization: `Bearer ${internalToken}`,
    'x-request-id': requestId,
    traceparent,
    'x-forwarded-host': textOf(request.headers.host ?? request.headers[':authority']) ?? '',
    'x-forwarded-proto': encrypted ? 'https' : 'http',
  };
}

/** With the visitor's identity, cookies and body. Throws Problem 413 or 400. */
export async function personalErrand(
  request: IncomingMessage,
  context: RequestContext,
  rule: Rule,
  credentials: Credentials,
): Promise<Errand> {
  const headers = commonHeaders(request, context, credentials);
  headers['x-forwarded-for'] = request.socket.remoteAddress ?? '';
  if (context.principal !== null) headers[principalHeader] = encodePrincipal(context.principal);
  if (request.headers.cookie !== undefined) headers['cookie'] = request.headers.cookie;
  const body = await bodyOf(request, rule);
  if (!rule.streamed || body === null) delete headers['content-length'];
  const { method = 'GET', url = '/' } = request;
  return { role: rule.role, method, path: url, headers, body, deadlineMs: rule.deadlineMs };
}

async function bodyOf(request: IncomingMessage, rule: Rule): Promise<Errand['body']> {
  if (!hasBody(request)) return null;
  if (rule.streamed) return limitedBody(request, rule.bodyBytesMax);
  const body = await readBody(request, rule.bodyBytesMax);
  return body.length === 0 ? null : body;
}

/** A header's first value, also where a client sent it twice. */
export function textOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
