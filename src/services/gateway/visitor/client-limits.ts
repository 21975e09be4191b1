/**
 * What one client may ask for in a while. Only work is counted: an answer from the cache costs as
 * little as the refusal would. Addresses are shared by many people behind one wall, so the limits
 * of an address are wide; an account is one person, so its own are narrow.
 */
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
  // Each cart is a row in the end; enough for a crowd behind one address, which waits a minute at
  // most.
  'new-cart': { requests: 600, accountRequests: 60, seconds: 60 },
  // Places in the waiting room: no address makes the line endless for all others.
  'new-place': { requests: 600, accountRequests: 600, seconds: 60 },
  search: { requests: 200, accountRequests: 200, seconds: 10 },
  work: { requests: 2_000, accountRequests: 500, seconds: 10 },
};

/** Headers that tell a client how much it has left (draft-ietf-httpapi-ratelimit-headers). */
export type LimitHeaders = Readonly<Record<string, string>>;

const unlimited: LimitHeaders = {};

/** Whose requests are counted: those of a network, or of an account. */
export type Spender = 'network' | 'account';

export interface ClientLimits {
  /** Rejects with Problem 429 and `Retry-After` where nothing is left. `key`: of the spender. */
  spend(name: LimitName, spender: Spender, key: string): LimitHeaders | Promise<LimitHeaders>;
}

export const noLimits: ClientLimits = { spend: () => unlimited };

class Buckets {
  readonly #policy: Policy;
  readonly #name: string;
  readonly #networks: RateLimiterMemory;
  readonly #accounts: RateLimiterMemory;

  constructor(name: string, policy: Policy) {
    const { requests, accountRequests, seconds } = policy;
    this.#name = name;
    this.#policy = policy;
    this.#networks = new RateLimiterMemory({ points: requests, duration: seconds });
    this.#accounts = new RateLimiterMemory({ points: accountRequests, duration: seconds });
  }

  spend(spender: Spender, key: string): Promise<LimitHeaders> {
    const { requests, accountRequests } = this.#policy;
    return spender === 'network'
      ? this.#from(this.#networks, key, requests)
      : this.#from(this.#accounts, key, accountRequests);
  }

  async #from(limiter: RateLimiterMemory, key: string, requests: number): Promise<LimitHeaders> {
    try {
      return this.#headers(await limiter.consume(key), requests);
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      const seconds = Math.max(1, Math.ceil(refusal.msBeforeNext / 1_000));
      throw new Problem(
        429,
        'too-many-requests',
        'Too many requests',
        { detail: `Please go on in ${seconds} s.` },
        { ...this.#headers(refusal, requests), 'retry-after': String(seconds) },
      );
    }
  }

  #headers({ remainingPoints, msBeforeNext }: RateLimiterRes, requests: number): LimitHeaders {
    const reset = Math.ceil(Math.max(0, msBeforeNext) / 1_000);
    return {
      'ratelimit-policy': `"${this.#name}";q=${requests};w=${this.#policy.seconds}`,
      ratelimit: `"${this.#name}";r=${remainingPoints};t=${reset}`,
    };
  }
}

export function openClientLimits(): ClientLimits {
  const buckets = new Map(
    Object.entries(policies).map(([name, policy]) => [name, new Buckets(name, policy)]),
  );
  return {
    spend(name, spender, key) {
      return (buckets.get(name) as Buckets).spend(spender, key);
    },
  };
}
