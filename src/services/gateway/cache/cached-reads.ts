/**
 * Reads that are the same for everyone: from the cache, or by one fetch for all who ask.
 *
 * The fetch sends only the address (shared-address.ts): no cookies, identity, host or language. So
 * a cached answer cannot show one visitor's data to another, and a visitor cannot poison the cache.
 * The service says by `Cache-Control: public` that the answer is also right for signed-in visitors.
 * If it does not, the request is forwarded again with everything that the visitor sent.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { hasSameState } from '../../../kit/http/negotiation.ts';
import { timeoutHeader } from '../../../kit/http/propagation.ts';
import { securityHeaders } from '../answer/security-headers.ts';
import { bundleIfSmall } from '../forward/call-bundle.ts';
import { brokenOff, forward, publicHeaders } from '../forward/forward-request.ts';
import type { LoadBalancer } from '../forward/load-balancer.ts';
import type { Importance, LoadShedder } from '../forward/load-shedder.ts';
import type { AnswerSink, UpstreamRequest } from '../forward/upstream-exchange.ts';
import type { Credentials } from '../forward/upstream-request.ts';
import type { Rule } from '../routing/routes.ts';
import { cacheabilityOf } from './cacheable.ts';
import { type Fetched, ResponseCache } from './response-cache.ts';
import { sharedAddress } from './shared-address.ts';
import { StoredResponse } from './stored-response.ts';

export interface WholeAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const answerBytesMax = 4 * 1_024 * 1_024;
const entryBytesMax = 4 * answerBytesMax;

/** The whole answer, or null where it is larger than `answerBytesMax`. */
function fetchWhole(
  balancer: LoadBalancer,
  upstreamRequest: UpstreamRequest,
): Promise<WholeAnswer | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let head: { status: number; headers: IncomingHttpHeaders; abort: () => void } | null = null;
    let bytes = 0;
    const sink: AnswerSink = {
      onHead(status, headers, { abort }) {
        head = { status, headers, abort };
      },
      onData(chunk) {
        bytes += chunk.length;
        if (bytes <= answerBytesMax) chunks.push(chunk);
        else {
          resolve(null);
          head?.abort();
        }
      },
      onEnd() {
        if (head === null) return;
        const { status, headers } = head;
        resolve({ status, headers, body: Buffer.concat(chunks) });
      },
      onBroken: () => reject(brokenOff(upstreamRequest.role)),
    };
    forward(balancer, upstreamRequest, sink).catch(reject);
  });
}

/** The read of one visitor, for which the shared fetch is made. */
export interface SharedRead {
  readonly rule: Rule;
  /** Key under which the load shedder counts it; null: it is not counted. */
  readonly client: string | null;
  readonly importance: Importance;
  readonly requestId: string;
  readonly traceparent: string;
}

function kindOf({ rule }: SharedRead): string {
  return `${rule.name} (shared)`;
}

export interface CachedReadsParts {
  readonly balancer: LoadBalancer;
  readonly shedder: LoadShedder;
  readonly credentials: Credentials;
  readonly bytesMax: number;
  /** Whether all changes are received at this moment. */
  readonly isLive: () => boolean;
  /** Whether no catalog is reachable, so that nothing can change. */
  readonly isCatalogAbsent: () => boolean;
}

export class CachedReads {
  readonly cache: ResponseCache<WholeAnswer | null>;
  /** Answers from the cache. */
  hits = 0;
  /** Answers that were sent although the catalog is gone. */
  lastKnown = 0;
  readonly #parts: CachedReadsParts;

  constructor(parts: CachedReadsParts) {
    this.#parts = parts;
    const { bytesMax, isLive } = parts;
    this.cache = new ResponseCache({ bytesMax, entryBytesMax, isLive });
  }

  /** Answers from the cache at once, by the address only. */
  serve(request: IncomingMessage, response: ServerResponse, requestId: string): boolean {
    const stored = this.cache.lookup(sharedAddress(request.url ?? '/'));
    if (stored === undefined) return false;
    this.hits += 1;
    sendStored(request, response, stored, requestId);
    return true;
  }

  /**
   * Answers from one fetch for all who ask at this time. False where this address has a different
   * answer for each visitor: then the request must be forwarded by itself.
   */
  async load(
    request: IncomingMessage,
    response: ServerResponse,
    read: SharedRead,
  ): Promise<boolean> {
    const address = sharedAddress(request.url ?? '/');
    // Others may wait for the same fetch, so a request that will be refused does not begin it.
    this.#parts.shedder.check(kindOf(read), read.importance, read.client);
    const forAll: SharedRead = { ...read, importance: 'page' };
    const loading = this.cache.load(address, () => this.fetch(address, forAll));
    const loaded = await loading.catch((error: unknown) => {
      if (this.#serveLastKnown(request, response, read.requestId)) return null;
      throw error;
    });
    if (loaded === null) return true;
    if (loaded.kind === 'shared') {
      const failed = loaded.response.status >= 500;
      if (failed && this.#serveLastKnown(request, response, read.requestId)) return true;
      sendStored(request, response, loaded.response, read.requestId);
      return true;
    }
    // The answer was fetched without cookies, so it is right for a visitor without cookies.
    if (loaded.kind === 'own' && loaded.answer !== null && request.headers.cookie === undefined) {
      this.#sendWhole(request, response, loaded.answer, read.requestId);
      return true;
    }
    return false;
  }

  /**
   * While no catalog runs nothing is sold, so the last known answer is still true, and better than
   * an error. False where nothing is known, or where the catalog may run but is not reachable.
   */
  #serveLastKnown(request: IncomingMessage, response: ServerResponse, requestId: string): boolean {
    if (!this.#parts.isCatalogAbsent()) return false;
    const known = this.cache.peek(sharedAddress(request.url ?? '/'));
    if (known === undefined) return false;
    this.lastKnown += 1;
    response.setHeader('cache-status', 'doorbuster; hit; detail=last-known');
    sendStored(request, response, known, requestId);
    return true;
  }

  /** Fetches an address without any identity. Throws Problem 502, 503 or 504. */
  async fetch(address: string, read: SharedRead): Promise<Fetched<WholeAnswer | null>> {
    const { rule } = read;
    const { balancer, shedder } = this.#parts;
    const admission = await shedder.enter(kindOf(read), read.importance, read.client);
    let answer: WholeAnswer | null;
    try {
      answer = await fetchWhole(balancer, this.#upstreamRequest(address, read));
      admission.leave(false);
    } catch (error) {
      admission.leave(true);
      throw error;
    }
    if (answer === null) return { kind: 'uncacheable', answer };
    const { status, headers, body } = answer;
    const cacheability = cacheabilityOf(status, headers, rule.cache === 'data');
    if (cacheability.kind === 'own') return { kind: 'uncacheable', answer };
    const kept = cacheability.kind === 'keep' ? cacheability : { surrogates: [], keepMs: 0 };
    const response = new StoredResponse({
      status,
      headers: this.#storedHeaders(headers),
      etag: headers.etag,
      body,
      surrogates: kept.surrogates,
      keepMs: kept.keepMs,
    });
    return { kind: cacheability.kind === 'keep' ? 'cacheable' : 'shared-once', response };
  }

  #upstreamRequest(address: string, { rule, requestId, traceparent }: SharedRead): UpstreamRequest {
    const upstreamRequest: UpstreamRequest = {
      role: rule.role,
      method: 'GET',
      path: address,
      headers: {
        authorization: `Bearer ${this.#parts.credentials.internalToken}`,
        accept: rule.cache === 'page' ? 'text/html, */*' : 'application/json',
        'x-request-id': requestId,
        traceparent,
        [timeoutHeader]: String(rule.deadlineMs),
      },
      body: null,
      deadlineMs: rule.deadlineMs,
    };
    return bundleIfSmall(upstreamRequest, rule.bundled);
  }

  #storedHeaders(sent: IncomingHttpHeaders): Record<string, string> {
    const stored: Record<string, string> = {};
    const all = { ...publicHeaders(sent), ...securityHeaders(sent) };
    for (const [name, value] of Object.entries(all)) {
      if (setByVariant.has(name)) continue;
      stored[name] = Array.isArray(value) ? value.join(', ') : String(value);
    }
    return stored;
  }

  #sendWhole(
    request: IncomingMessage,
    response: ServerResponse,
    { status, headers, body }: WholeAnswer,
    requestId: string,
  ): void {
    response.writeHead(status, {
      ...publicHeaders(headers),
      ...securityHeaders(headers),
      'content-length': body.length,
      'x-request-id': requestId,
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  }
}

const setByVariant: ReadonlySet<string> = new Set([
  'etag',
  'content-length',
  'vary',
  'date',
  'x-request-id',
]);

export function sendStored(
  request: IncomingMessage,
  response: ServerResponse,
  stored: StoredResponse,
  requestId: string,
): void {
  const { headers } = request;
  const variant = stored.choose(headers['accept-encoding']);
  const ifNoneMatch = headers['if-none-match'];
  const own = ['x-request-id', requestId];
  if (stored.status === 200 && hasSameState(ifNoneMatch, variant.etag)) {
    response.writeHead(304, [...withoutBody(variant.headers), ...own]);
    response.end();
    return;
  }
  response.writeHead(stored.status, [...variant.headers, ...own]);
  if (request.method === 'HEAD') response.end();
  else if (variant.latin1 !== null) response.end(variant.latin1, 'latin1');
  else response.end(variant.body);
}

const bodyHeaders: ReadonlySet<string> = new Set([
  'content-length',
  'content-type',
  'content-encoding',
]);

function withoutBody(headers: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    if (!bodyHeaders.has(name)) kept.push(name, headers[i + 1] ?? '');
  }
  return kept;
}
