/**
 * From session cookie to principal. The customers service signs the token, and the gateway verifies
 * it without a call. A token that does not verify makes a guest, not an error.
 *
 * There are two ways to check a session:
 *
 *   cached   for browsing. The token, or the last answer of the customers service, is valid for
 *            `cachedMs`. After that the service is asked again and gives a fresh token, which is
 *            set with the answer. If it does not answer, the token is valid until it expires.
 *   live     for money, staff and the own account. The customers service is asked for every
 *            request, in one call for all requests of a turn. If it does not answer, the status is
 *            503: a person who was erased or demoted a moment ago must not go on.
 *
 * For a guest nothing is asked.
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
const cachedMs = 60_000;
/** After a failure the customers service is not asked again for so long, except for live checks. */
const pauseMs = 5_000;
const sessionIdForm = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/;
const roles: readonly string[] = ['customer', 'staff', 'owner'] satisfies Role[];

/** The account of a session and its cookie. */
export interface SessionHolder {
  readonly principal: Principal | null;
  /** A renewed cookie to send with the answer. */
  readonly setCookie: string | null;
}

type AskedSession = BodyOf<typeof findLivingSessions>['asked'][number];

/** Answers in the order of `asked`; null for a session that has ended. Throws without an answer. */
export type AskSessions = (
  asked: readonly AskedSession[],
) => Promise<readonly (LivingSession | null)[]>;

/** What is known of a verified token. */
interface Known {
  readonly sessionId: string;
  readonly expiresAtMs: number;
  /** Null once the session has ended. */
  principal: Principal | null;
  cachedUntilMs: number;
  freshToken: string | null;
  /** A check that is under way. */
  checking: Promise<void> | null;
}

const guest: SessionHolder = { principal: null, setCookie: null };

export class Sessions {
  readonly #key: Uint8Array;
  readonly #clock: Clock;
  readonly #ask: (asked: AskedSession) => Promise<LivingSession | null>;
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
    if (this.#clock.now() >= known.cachedUntilMs) {
      known.checking ??= this.#check(known).finally(() => {
        known.checking = null;
      });
      try {
        await known.checking;
      } catch {
        const now = this.#clock.now();
        if (now >= known.expiresAtMs) return guest;
        known.cachedUntilMs = Math.min(now + pauseMs, known.expiresAtMs);
      }
    }
    return holder(known, scheme);
  }

  /** Asks the customers service. Throws Problem 503 where it does not answer. */
  async liveHolderOf(cookieHeader: string, scheme: string): Promise<SessionHolder> {
    const known = await this.#known(cookieHeader);
    if (known === null) return guest;
    await this.#check(known).catch(() => {
      throw cannotCheck();
    });
    return holder(known, scheme);
  }

  async #check(known: Known): Promise<void> {
    const now = this.#clock.now();
    const renew = now >= known.cachedUntilMs;
    const living = await this.#ask({ sessionId: known.sessionId, renew });
    known.principal = living?.principal ?? null;
    known.freshToken = living === null ? null : (living.token ?? known.freshToken);
    if (renew || living === null) known.cachedUntilMs = now + cachedMs;
  }

  /** One entry per token, although several of its requests may be verified at the same time. */
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
        cachedUntilMs: iat * 1_000 + cachedMs,
        freshToken: null,
        checking: null,
      };
    } catch {
      return null; // forged, or not a token
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
