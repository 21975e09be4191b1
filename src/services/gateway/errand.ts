/** What is sent to a service on behalf of a visitor. */
import type { IncomingMessage } from 'node:http';
import { encodePrincipal, principalHeader } from '../../kit/principal.ts';
import { timeoutHeader } from '../../kit/propagation.ts';
import { inCompany } from './call-bundle.ts';
import type { Errand } from './exchange.ts';
import { passedHeaders } from './proxy.ts';
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
  const headers = passedHeaders(request.headers);
  headers['authorization'] = `Bearer ${internalToken}`;
  headers['x-request-id'] = requestId;
  headers['traceparent'] = traceparent;
  headers['x-forwarded-proto'] = encrypted ? 'https' : 'http';
  return headers;
}

/** With the visitor's identity, cookies and body: at once where there is none to wait for. */
export function personalErrand(
  request: IncomingMessage,
  context: RequestContext,
  rule: Rule,
  credentials: Credentials,
): Errand | Promise<Errand> {
  const headers = commonHeaders(request, context, credentials);
  if (!rule.streamed) headers[timeoutHeader] = String(rule.deadlineMs);
  headers['x-forwarded-for'] = request.socket.remoteAddress ?? '';
  if (context.principal !== null) headers[principalHeader] = encodePrincipal(context.principal);
  if (request.headers.cookie !== undefined) headers['cookie'] = request.headers.cookie;
  const { method = 'GET', url = '/' } = request;
  const errand = { role: rule.role, method, path: url, headers, deadlineMs: rule.deadlineMs };
  if (!hasBody(request)) return inCompany({ ...errand, body: null }, rule.bundled);
  if (!rule.streamed) return withBody(errand, request, rule);
  const length = request.headers['content-length'];
  if (length !== undefined) headers['content-length'] = length;
  return { ...errand, body: limitedBody(request, rule.bodyBytesMax) };
}

/** Throws Problem 413 or 400. */
async function withBody(
  errand: Omit<Errand, 'body'>,
  request: IncomingMessage,
  rule: Rule,
): Promise<Errand> {
  const body = await readBody(request, rule.bodyBytesMax);
  return inCompany({ ...errand, body: body.length === 0 ? null : body }, rule.bundled);
}
