/**
 * Rate limits per client. Answers from the cache are not counted: they cost as little as a refusal.
 * Many people may share one address (an office, a mobile network), so the limits of a network are
 * high; an account is one person, so its limits are low.
 */
import assert from 'node:assert';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { Problem } from '../../../kit/http/problem.ts';

export type LimitName = 'purchase' | 'sign-in' | 'new-cart' | 'new-place' | 'search' | 'work';

interface Policy {
  readonly requests: number;
  readonly accountRequests: number;
  readonly seconds: number;
}

const policies: Readonly<Record<LimitName, Policy>> = {
  purchase: { requests: 300, accountRequests: 60, seconds: 10 },
  // Passwords are slow to check on purpose.
  'sign-in': { requests: 30, accountRequests: 30, seconds: 10 },
  // Each cart becomes a row. High enough for many people behind one address, who wait a minute at
  // most.
  'new-cart': { requests: 600, accountRequests: 60, seconds: 60 },
  // Places in the waiting room: one address cannot fill the line for all others.
  'new-place': { requests: 600, accountRequests: 600, seconds: 60 },
  search: { requests: 200, accountRequests: 200, seconds: 10 },
  work: { requests: 2_000, accountRequests: 500, seconds: 10 },
};

/** What is left of a client's limit, as headers (draft-ietf-httpapi-ratelimit-headers). */
export type LimitHeaders = Readonly<Record<string, string>>;

/** Whether the requests of a network or those of an account are counted. */
export type LimitScope = 'network' | 'account';

export interface ClientLimits {
  /** `key`: of the network or account. Rejects with Problem 429 and `Retry-After`. */
  consume(name: LimitName, scope: LimitScope, key: string): LimitHeaders | Promise<LimitHeaders>;
}

export const noLimits: ClientLimits = { consume: () => ({}) };

export function openClientLimits(): ClientLimits {
  const limiters = new Map(
    Object.entries(policies).map(([name, { requests, accountRequests, seconds: duration }]) => [
      name,
      {
        network: new RateLimiterMemory({ points: requests, duration }),
        account: new RateLimiterMemory({ points: accountRequests, duration }),
      } satisfies Record<LimitScope, RateLimiterMemory>,
    ]),
  );
  return {
    consume(name, scope, key) {
      const scopes = limiters.get(name);
      assert(scopes);
      return consume(scopes[scope], name, key);
    },
  };
}

async function consume(
  limiter: RateLimiterMemory,
  name: LimitName,
  key: string,
): Promise<LimitHeaders> {
  try {
    return headersOf(limiter, name, await limiter.consume(key));
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal;
    const seconds = Math.max(1, Math.ceil(refusal.msBeforeNext / 1_000));
    throw new Problem(
      429,
      'too-many-requests',
      'Too many requests',
      { detail: `Please go on in ${seconds} s.` },
      { ...headersOf(limiter, name, refusal), 'retry-after': String(seconds) },
    );
  }
}

function headersOf(
  { points, duration }: RateLimiterMemory,
  name: LimitName,
  { remainingPoints, msBeforeNext }: RateLimiterRes,
): LimitHeaders {
  const reset = Math.ceil(Math.max(0, msBeforeNext) / 1_000);
  return {
    'ratelimit-policy': `"${name}";q=${points};w=${duration}`,
    ratelimit: `"${name}";r=${remainingPoints};t=${reset}`,
  };
}
