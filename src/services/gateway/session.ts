/**
 * Session cookie to principal, without a hop: customers signs the token, the gateway verifies it.
 * A token that does not verify makes a guest, not an error: browsing goes on.
 */
import { jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../kit/clock.ts';
import type { Principal, Role } from '../../kit/principal.ts';

const verifiedTokensMax = 20_000;
const tokenLengthMax = 2_048;
const sessionCookie = 'session';
const roles: readonly string[] = ['customer', 'staff', 'owner'] satisfies Role[];

/** The value of the session cookie, or null. */
export function sessionTokenOf(cookieHeader: string | undefined): string | null {
  if (cookieHeader === undefined) return null;
  for (const pair of cookieHeader.split(';')) {
    const equals = pair.indexOf('=');
    if (equals > 0 && pair.slice(0, equals).trim() === sessionCookie) {
      return pair.slice(equals + 1).trim() || null;
    }
  }
  return null;
}

interface Verified {
  readonly principal: Principal;
  readonly expiresAtMs: number;
}

export class Sessions {
  readonly #key: Uint8Array;
  readonly #clock: Clock;
  readonly #verified = new LRUCache<string, Verified>({ max: verifiedTokensMax });

  constructor(key: Uint8Array, clock: Clock) {
    this.#key = key;
    this.#clock = clock;
  }

  async principalOf(cookieHeader: string | undefined): Promise<Principal | null> {
    const token = sessionTokenOf(cookieHeader);
    if (token === null || token.length > tokenLengthMax) return null;
    const now = this.#clock.now();
    const known = this.#verified.get(token);
    if (known !== undefined) return known.expiresAtMs > now ? known.principal : null;
    const verified = await this.#verify(token, now);
    if (verified === null) return null;
    this.#verified.set(token, verified);
    return verified.principal;
  }

  async #verify(token: string, now: number): Promise<Verified | null> {
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: ['HS256'],
        requiredClaims: ['sub', 'exp', 'email', 'role'],
        currentDate: new Date(now),
      });
      const { sub, email, role, exp } = payload;
      if (typeof sub !== 'string' || typeof email !== 'string' || exp === undefined) return null;
      if (typeof role !== 'string' || !roles.includes(role)) return null;
      const principal: Principal = { customerId: sub, email, role: role as Role };
      return { principal, expiresAtMs: exp * 1_000 };
    } catch {
      return null; // forged, expired or not a token at all
    }
  }
}
