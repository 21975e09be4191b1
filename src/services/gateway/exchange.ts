/** One request and its answer on the way through the gateway. Each step adds what it finds out. */
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
  /** What the client has left of its limits, for the answer's headers. */
  left: LimitHeaders = {};
  /** Who wrote the answer: an instance, the cache or the gateway. */
  by = 'gateway';
  /** Ends a service's work for an answer whose client has gone. */
  abandon: (() => void) | null = null;
  /** Whether it goes into the access log and the metrics when it is over. */
  isRecorded = false;
  #traceparent: string | null = null;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.request = request;
    this.response = response;
  }

  get traceparent(): string {
    const header = this.request.headers['traceparent'];
    this.#traceparent ??= traceparentOf(typeof header === 'string' ? header : undefined);
    return this.#traceparent;
  }

  get isRead(): boolean {
    return this.request.method === 'GET' || this.request.method === 'HEAD';
  }
}

/** True where the request is answered, or will be by who took it over; false for the next step. */
export type Step = (exchange: Exchange) => boolean | Promise<boolean>;
