/**
 * Session cookie to principal. Customers signs the token, the gateway verifies it without a hop; a
 * token that does not verify makes a guest, not an error: browsing goes on.
 *
 * A session is looked at in two ways:
 *
 *   believed   for browsing. What the token says, or the customers service said last, is believed
 *              for `believedMs`; then the service is asked again and gives a fresh token, which
 *              goes back with the answer. Where it cannot be asked, the token is believed until
 *              it expires.
 *   live       for money, staff and one's own account. The customers service is asked about every
 *              request, in one call for all requests of a turn. Where it cannot be asked the answer
 *              is 503: somebody who was erased or demoted a moment ago must not go on.
 *
 * A guest costs nothing in either way.
 */

import { jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import {
  type findLivingSessions,
  type LivingSession,
  sessionsAskedMax,
} from '../../../api/internal/customers-routes.ts';
import type { Clock } from '../../../kit/clock.ts';
import { gather } from '../../../kit/gather.ts';
import { sessionCookie, sessionTokenOf } from '../../../kit/http/cookies.ts';
import type { Principal, Role } from '../../../kit/http/principal.ts';
import { Problem } from '../../../kit/http/problem.ts';
import type { BodyOf } from '../../../kit/http/route.ts';

const verifiedTokensMax = 20_000;
const tokenLengthMax = 2_048;
const believedMs = 60_000;
/** After a failure the customers service is not asked about browsing for so long. */
const pauseMs = 5_000;
/** Looked up in 2 ms, renewed in 12 (two busy cores). */
const sessionIdForm = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/;
const roles: readonly string[] = ['customer', 'staff', 'owner'] satisfies Role[];

/** Who came, as far as the session tells. */
export interface SessionHolder {
  readonly principal: Principal | null;
  /** A renewed cookie to send with the answer. */
  readonly setCookie: string | null;
}

/** In the order of the question; null for a session that has ended. Throws where nobody can say. */
export type AskSessions = (
  asked: BodyOf<typeof findLivingSessions>['asked'],
) => Promise<readonly (LivingSession | null)[]>;

/** What is known of a token that we signed. */
interface Known {
  readonly sessionId: string;
  readonly expiresAtMs: number;
  /** Null once the session has ended. */
  principal: Principal | null;
  believedUntilMs: number;
  freshToken: string | null;
  question: Promise<void> | null;
}

const guest: SessionHolder = { principal: null, setCookie: null };

export class Sessions {
  readonly #key: Uint8Array;
  readonly #clock: Clock;
  readonly #ask: (
    asked: BodyOf<typeof findLivingSessions>['asked'][number],
  ) => Promise<LivingSession | null>;
  readonly #tokens = new LRUCache<string, Known>({ max: verifiedTokensMax });

  constructor(key: Uint8Array, clock: Clock, ask: AskSessions) {
    this.#key = key;
    this.#clock = clock;
    this.#ask = gather(ask, { batchMax: sessionsAskedMax });
  }

  /** `scheme`: by which the visitor came. */
  async holderOf(cookieHeader: string, scheme: string): Promise<SessionHolder> {
    const known = await this.#known(cookieHeader);
    if (known === null) return guest;
    if (this.#clock.now() >= known.believedUntilMs) {
      known.question ??= this.#learn(known).finally(() => {
        known.question = null;
      });
      try {
        await known.question;
      } catch {
        const now = this.#clock.now();
        if (now >= known.expiresAtMs) return guest;
        known.believedUntilMs = Math.min(now + pauseMs, known.expiresAtMs);
      }
    }
    return holder(known, scheme);
  }

  /** As the customers service says now. Throws Problem 503 where it cannot be asked. */
  async liveHolderOf(cookieHeader: string, scheme: string): Promise<SessionHolder> {
    const known = await this.#known(cookieHeader);
    if (known === null) return guest;
    await this.#learn(known).catch(() => {
      throw cannotCheck();
    });
    return holder(known, scheme);
  }

  async #learn(known: Known): Promise<void> {
    const now = this.#clock.now();
    const renew = now >= known.believedUntilMs;
    const living = await this.#ask({ sessionId: known.sessionId, renew });
    known.principal = living?.principal ?? null;
    known.freshToken = living === null ? null : (living.token ?? known.freshToken);
    if (renew || living === null) known.believedUntilMs = now + believedMs;
  }

  /** One entry a token, though several of its requests may be checked at the same time. */
  async #known(cookieHeader: string): Promise<Known | null> {
    const token = sessionTokenOf(cookieHeader);
    if (token === null || token.length > tokenLengthMax) return null;
    const known = this.#tokens.get(token);
    if (known !== undefined) return known;
    const verified = await this.#verify(token);
    const other = this.#tokens.get(token);
    if (other !== undefined || verified === null) return other ?? null;
    this.#tokens.set(token, verified);
    return verified;
  }

  /** Checks the signature, not the age: an expired token may still be renewed. */
  async #verify(token: string): Promise<Known | null> {
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: ['HS256'],
        requiredClaims: ['sub', 'iat', 'exp', 'email', 'role', 'sid'],
        currentDate: new Date(0),
      });
      const { sub, email, role, sid, iat, exp } = payload;
      if (typeof sub !== 'string' || typeof email !== 'string') return null;
      if (iat === undefined || exp === undefined) return null;
      if (typeof role !== 'string' || !roles.includes(role)) return null;
      if (typeof sid !== 'string' || !sessionIdForm.test(sid)) return null;
      return {
        sessionId: sid,
        principal: { customerId: sub, email, role: role as Role, sessionId: sid },
        expiresAtMs: exp * 1_000,
        believedUntilMs: iat * 1_000 + believedMs,
        freshToken: null,
        question: null,
      };
    } catch {
      return null; // forged, or not a token at all
    }
  }
}

function holder({ principal, freshToken }: Known, scheme: string): SessionHolder {
  return { principal, setCookie: freshToken === null ? null : sessionCookie(freshToken, scheme) };
}

function cannotCheck(): Problem {
  return new Problem(
    503,
    'sign-in-unchecked',
    'Your sign-in cannot be checked right now',
    {
      detail:
        'Nothing was done. Please try again in 5 seconds. ' +
        'A purchase also works as a guest: send it without the session cookie.',
    },
    { 'retry-after': '5' },
  );
}
