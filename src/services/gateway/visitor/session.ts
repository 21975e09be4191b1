/**
 * Session cookie to principal. Customers signs the token, the gateway verifies it without a hop; a
 * token that does not verify makes a guest, not an error: browsing goes on.
 *
 * A token is *fresh* for `renewalDueMs` and believed as it is. After that it is *due*: the customers
 * service is asked once whether the session still lives, and gives a fresh token, which goes back
 * with the answer. So signing out ends a session everywhere within a minute. Where customers cannot
 * be asked, a due token is believed until it expires.
 */
import { jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../../kit/clock.ts';
import type { Principal, Role } from '../../../kit/http/principal.ts';

const verifiedTokensMax = 20_000;
const tokenLengthMax = 2_048;
const renewalDueMs = 60_000;
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

/** Who came, as far as the session tells. */
export interface SessionHolder {
  readonly principal: Principal | null;
  /** A renewed cookie to send with the answer. */
  readonly setCookie: string | null;
}

/** The living session behind a token, or null where it has ended. Throws where nobody can say. */
export type Renew = (
  token: string,
  protocol: string,
) => Promise<{ readonly principal: Principal; readonly setCookie: string } | null>;

interface Verified {
  readonly principal: Principal;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  renewal: Promise<SessionHolder | 'unknown'> | null;
  renewedAtMs: number;
}

const guest: SessionHolder = { principal: null, setCookie: null };

export class Sessions {
  readonly #key: Uint8Array;
  readonly #clock: Clock;
  readonly #renew: Renew;
  readonly #verified = new LRUCache<string, Verified>({ max: verifiedTokensMax });

  constructor(key: Uint8Array, clock: Clock, renew: Renew) {
    this.#key = key;
    this.#clock = clock;
    this.#renew = renew;
  }

  /** A guest at once where no cookie was sent; null where `holderOf` must look. */
  holderWithout(cookieHeader: string | undefined): SessionHolder | null {
    return cookieHeader === undefined ? guest : null;
  }

  async holderOf(cookieHeader: string | undefined, protocol: string): Promise<SessionHolder> {
    const token = sessionTokenOf(cookieHeader);
    if (token === null || token.length > tokenLengthMax) return guest;
    const verified = this.#verified.get(token) ?? (await this.#remember(token));
    if (verified === null) return guest;
    const now = this.#clock.now();
    if (now - verified.issuedAtMs < renewalDueMs) {
      return { principal: verified.principal, setCookie: null };
    }
    const visitor = await this.#renewed(token, verified, protocol, now);
    if (visitor !== 'unknown') return visitor;
    return now < verified.expiresAtMs ? { principal: verified.principal, setCookie: null } : guest;
  }

  /** Asked once for all requests that carry this token, and again after `renewalDueMs`. */
  #renewed(
    token: string,
    verified: Verified,
    protocol: string,
    now: number,
  ): Promise<SessionHolder | 'unknown'> {
    if (verified.renewal === null || now - verified.renewedAtMs >= renewalDueMs) {
      verified.renewedAtMs = now;
      const renewal = this.#renew(token, protocol).then(
        (living) => living ?? guest,
        (): 'unknown' => {
          if (verified.renewal === renewal) verified.renewal = null;
          return 'unknown';
        },
      );
      verified.renewal = renewal;
    }
    return verified.renewal;
  }

  /** One entry a token, though several of its requests may be checked at the same time. */
  async #remember(token: string): Promise<Verified | null> {
    const verified = await this.#verify(token);
    const known = this.#verified.get(token);
    if (known !== undefined || verified === null) return known ?? null;
    this.#verified.set(token, verified);
    return verified;
  }

  /** Checks the signature, not the age: an expired token may still be renewed. */
  async #verify(token: string): Promise<Verified | null> {
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: ['HS256'],
        requiredClaims: ['sub', 'iat', 'exp', 'email', 'role'],
        currentDate: new Date(0),
      });
      const { sub, email, role, iat, exp } = payload;
      if (typeof sub !== 'string' || typeof email !== 'string') return null;
      if (iat === undefined || exp === undefined) return null;
      if (typeof role !== 'string' || !roles.includes(role)) return null;
      return {
        principal: { customerId: sub, email, role: role as Role },
        issuedAtMs: iat * 1_000,
        expiresAtMs: exp * 1_000,
        renewal: null,
        renewedAtMs: 0,
      };
    } catch {
      return null; // forged, or not a token at all
    }
  }
}
