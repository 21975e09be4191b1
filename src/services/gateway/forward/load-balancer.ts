/**
 * Spreads requests over the ready instances of a role.
 *
 * Of two random instances the one with fewer requests in flight gets the request. This "power of
 * two choices" spreads nearly as evenly as comparing all, and gateways do not all choose the same
 * idle instance. The circuit breaker leaves out an instance whose connections fail. An instance
 * that the directory no longer lists gets no new requests, and its pool closes when its last answer
 * has ended. While all breakers are open `pick` returns null at once, instead of a slow time-out.
 *
 * Retries have a budget: a retry costs one token, each attempt earns `retryRatio`. So a failing
 * service gets at most that much more load, not a multiple.
 */
import { Pool } from 'undici';
import {
  admits,
  afterAdmission,
  afterFailure,
  afterSuccess,
  type Breaker,
  closedBreaker,
} from '../../../kit/circuit-breaker.ts';
import { type Clock, systemClock } from '../../../kit/clock.ts';
import type { Directory, ServiceInstance } from '../../../kit/cluster/directory.ts';
import { type InternalTls, tlsTo } from '../../../kit/cluster/internal-tls.ts';
import { chooseOfTwo } from '../../../kit/http/internal-client.ts';

const connectionsPerInstanceMax = 256;
const connectTimeoutMs = 1_000;
const idleConnectionMs = 30_000;
const retryRatio = 0.1;
const retryTokensMax = 20;
const backoffMsBase = 10;

export interface Upstream {
  readonly instance: ServiceInstance;
  readonly pool: Pool;
  inFlight: number;
  breaker: Breaker;
}

/** Exponential backoff with full jitter: from 0 to a maximum that doubles with each attempt. */
export function backoffMs(attempt: number): number {
  return Math.random() * backoffMsBase * 2 ** attempt;
}

export class LoadBalancer {
  readonly #tls: InternalTls | null;
  readonly #directory: Directory;
  readonly #clock: Clock;
  readonly #upstreams = new Map<string, Upstream>();
  readonly #unfollow: () => void;
  readonly #retryTokens = new Map<string, number>();

  constructor(directory: Directory, tls: InternalTls | null = null, clock: Clock = systemClock) {
    this.#directory = directory;
    this.#tls = tls;
    this.#clock = clock;
    this.#unfollow = directory.onChange(() => this.#closeUnlisted());
  }

  /** An instance that is not among `tried`; null where no other may get a request now. */
  pick(role: string, tried: readonly Upstream[] = []): Upstream | null {
    const now = this.#clock.now();
    const candidates: Upstream[] = [];
    for (const instance of this.#directory.instances(role)) {
      const upstream = this.#upstreamOf(instance);
      if (admits(upstream.breaker, now) && !tried.includes(upstream)) candidates.push(upstream);
    }
    const chosen = chooseOfTwo(candidates);
    if (chosen === undefined) return null;
    chosen.breaker = afterAdmission(chosen.breaker, now);
    return chosen;
  }

  /** Each request with an upstream calls `begin` once and then `end` once. */
  begin(role: string, upstream: Upstream): void {
    upstream.inFlight += 1;
    const tokens = this.#retryTokens.get(role) ?? retryTokensMax;
    this.#retryTokens.set(role, Math.min(retryTokensMax, tokens + retryRatio));
  }

  end(upstream: Upstream, outcome: 'answered' | 'failed' | 'abandoned'): void {
    upstream.inFlight -= 1;
    if (outcome === 'answered') upstream.breaker = afterSuccess(upstream.breaker);
    if (outcome === 'failed') {
      upstream.breaker = afterFailure(upstream.breaker, this.#clock.now());
    }
  }

  /** True, and a token spent, where the role's retry budget allows one more attempt. */
  spendRetry(role: string): boolean {
    const tokens = this.#retryTokens.get(role) ?? retryTokensMax;
    if (tokens < 1) return false;
    this.#retryTokens.set(role, tokens - 1);
    return true;
  }

  inFlight(role: string): number {
    let sum = 0;
    for (const { instance, inFlight } of this.#upstreams.values()) {
      if (instance.role === role) sum += inFlight;
    }
    return sum;
  }

  async close(): Promise<void> {
    this.#unfollow();
    await Promise.all([...this.#upstreams.values()].map(({ pool }) => pool.destroy()));
  }

  #upstreamOf(instance: ServiceInstance): Upstream {
    const known = this.#upstreams.get(instance.id);
    if (known !== undefined && known.instance.url === instance.url) return known;
    known?.pool.close().catch(() => {});
    const pool = new Pool(instance.url, {
      connections: connectionsPerInstanceMax,
      pipelining: 1,
      connectTimeout: connectTimeoutMs,
      connect: tlsTo(instance, this.#tls),
      keepAliveTimeout: idleConnectionMs,
    });
    const upstream: Upstream = { instance, pool, inFlight: 0, breaker: closedBreaker };
    this.#upstreams.set(instance.id, upstream);
    return upstream;
  }

  #closeUnlisted(): void {
    const listed = new Set(this.#directory.current.services.map(({ id }) => id));
    for (const [id, upstream] of this.#upstreams) {
      if (listed.has(id)) continue;
      this.#upstreams.delete(id);
      upstream.pool.close().catch(() => {}); // resolves when its open requests have ended
    }
  }
}
