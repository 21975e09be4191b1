/** Makes the upstream request for the request of a visitor. */
import type { IncomingMessage } from 'node:http';
import { limitedBody } from '../../../kit/http/body-stream.ts';
import { encodePrincipal, principalHeader } from '../../../kit/http/principal.ts';
import { timeoutHeader } from '../../../kit/http/propagation.ts';
import { checkAnnouncedLength, hasBody, readBody } from '../listener/request-body.ts';
import type { Rule } from '../routing/routes.ts';
import type { RequestContext } from '../visitor/request-context.ts';
import { bundleIfSmall } from './call-bundle.ts';
import { passedHeaders } from './forward-request.ts';
import type { UpstreamRequest } from './upstream-exchange.ts';

export interface Credentials {
  readonly internalToken: string;
}

function commonHeaders(
  request: IncomingMessage,
  { requestId, traceparent, client }: RequestContext,
  { internalToken }: Credentials,
): Record<string, string> {
  const headers = passedHeaders(request.headers);
  headers['authorization'] = `Bearer ${internalToken}`;
  headers['x-request-id'] = requestId;
  headers['traceparent'] = traceparent;
  headers['x-forwarded-proto'] = client.scheme;
  headers['x-forwarded-for'] = client.address;
  return headers;
}

/** With the visitor's identity and body, without cookies. A promise only if there is a body. */
export function personalRequest(
  request: IncomingMessage,
  context: RequestContext,
  rule: Rule,
  credentials: Credentials,
): UpstreamRequest | Promise<UpstreamRequest> {
  const headers = commonHeaders(request, context, credentials);
  if (!rule.streamed) headers[timeoutHeader] = String(rule.deadlineMs);
  if (context.principal !== null) headers[principalHeader] = encodePrincipal(context.principal);
  const { method = 'GET', url = '/' } = request;
  const upstreamRequest = {
    role: rule.role,
    method,
    path: url,
    headers,
    deadlineMs: rule.deadlineMs,
  };
  if (!hasBody(request)) return bundleIfSmall({ ...upstreamRequest, body: null }, rule.bundled);
  if (!rule.streamed) return withBody(upstreamRequest, request, rule);
  checkAnnouncedLength(request, rule.bodyBytesMax);
  const length = request.headers['content-length'];
  if (length !== undefined) headers['content-length'] = length;
  return { ...upstreamRequest, body: limitedBody(request, rule.bodyBytesMax) };
}

/** Throws Problem 413 or 400. */
async function withBody(
  upstreamRequest: Omit<UpstreamRequest, 'body'>,
  request: IncomingMessage,
  rule: Rule,
): Promise<UpstreamRequest> {
  const body = await readBody(request, rule.bodyBytesMax);
  return bundleIfSmall({ ...upstreamRequest, body: body.length === 0 ? null : body }, rule.bundled);
}
