/** One request and its response in the gateway. Each step of the pipeline adds what it knows. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Principal } from '../../kit/http/principal.ts';
import type { Destination } from './routing/routes.ts';
import type { Client } from './visitor/client.ts';
import type { LimitHeaders } from './visitor/client-limits.ts';
import { nextRequestId, type RequestContext, traceparentOf } from './visitor/request-context.ts';

const nobody: Client = { address: '', network: 'unknown', scheme: 'http', host: '' };

export class Exchange implements RequestContext {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId = nextRequestId();
  client = nobody;
  destination: Destination = { kind: 'unknown' };
  principal: Principal | null = null;
  /** What is left of the client's rate limit. */
  limitHeaders: LimitHeaders = {};
  /** Who wrote the response: an instance, the cache or the gateway. */
  by = 'gateway';
  /** Aborts the upstream request after the client has disconnected. */
  abandon: (() => void) | null = null;
  /** Whether access log and metrics will record it when it is over. */
  isRecorded = false;
  #traceparent: string | null = null;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.request = request;
    this.response = response;
  }

  get traceparent(): string {
    this.#traceparent ??= traceparentOf(this.request.headers);
    return this.#traceparent;
  }

  get isRead(): boolean {
    return this.request.method === 'GET' || this.request.method === 'HEAD';
  }
}

/** True where the request is answered, or this step will answer it; false for the next step. */
export type Step = (exchange: Exchange) => boolean | Promise<boolean>;
