/**
 * Sessions: a row that says who is signed in, and a signed copy of it that needs no look-up.
 *
 * The row (table `sessions`) is the truth. It ends by signing out, by a change of password or role,
 * by erasure, or `sessionIdleDays` after its last renewal. The token in the cookie is a copy that
 * any service verifies by its signature alone, so a visit costs the customers service nothing.
 *
 *   fresh   younger than `renewalDueMs`: believed as it is
 *   due     older: whoever holds it asks for a new copy (POST /internal/sessions/renew, or any
 *           answer of /api/customers/me). The row is alive -> a fresh token, with the e-mail and
 *           role of now; the row is gone -> 401, and the visitor is a guest from here on
 *   expired older than `tokenLifeMs`: nobody believes it, but it can still be renewed
 *
 * So signing out takes effect at once where the row is looked at, and within `renewalDueMs`
 * everywhere else; and while the customers service is down, visitors stay signed in for
 * `tokenLifeMs`. Rejected: asking for the row on every request (a hop more each, and customers
 * down would sign everyone out), and long-lived tokens without a row (no way to sign out).
 */
import { jwtVerify, SignJWT } from 'jose';
import type { HeaderCarrier, Principal } from '../../kit/http/principal.ts';

export const tokenLifeMs = 60 * 60_000;
export const renewalDueMs = 60_000;
export const sessionIdleDays = 30;

const cookieName = 'session';
const tokenLengthMax = 2_048;
const secondsPerDay = 86_400;

export interface Session extends Principal {
  readonly sessionId: string;
}

export function signToken(session: Session, key: Uint8Array, now: number): Promise<string> {
  const { customerId, email, role, sessionId } = session;
  const issuedAt = Math.floor(now / 1_000);
  return new SignJWT({ email, role, sid: sessionId })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(customerId)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + tokenLifeMs / 1_000)
    .sign(key);
}

export interface ReadToken {
  readonly customerId: string;
  readonly sessionId: string;
  readonly issuedAt: number;
}

const sessionIdForm = /^[0-9a-f-]{36}$/;

/** What a token that we signed says, expired or not: the row decides. Null for any other text. */
export async function readToken(token: string, key: Uint8Array): Promise<ReadToken | null> {
  if (token.length > tokenLengthMax) return null;
  try {
    const beginningOfTime = new Date(0); // before every expiry
    const options = { algorithms: ['HS256'], currentDate: beginningOfTime };
    const { sub, sid, iat } = (await jwtVerify(token, key, options)).payload;
    if (typeof sub !== 'string' || typeof sid !== 'string' || iat === undefined) return null;
    if (!sessionIdForm.test(sid)) return null;
    return { customerId: sub, sessionId: sid, issuedAt: iat * 1_000 };
  } catch {
    return null;
  }
}

/** The token that a request carries in its cookie, or null. */
export function tokenOf({ headers }: HeaderCarrier): string | null {
  const { cookie } = headers;
  if (typeof cookie !== 'string') return null;
  return /(?:^|;)\s*session=([^;\s]+)/.exec(cookie)?.[1] ?? null;
}

function attributes({ headers }: HeaderCarrier): string {
  const secure = headers['x-forwarded-proto'] === 'https' ? '; Secure' : '';
  return `Path=/; HttpOnly; SameSite=Lax${secure}`;
}

/** `Set-Cookie` that signs in. It outlives the token: an expired token can be renewed. */
export function sessionCookie(token: string, request: HeaderCarrier): string {
  const maxAge = sessionIdleDays * secondsPerDay;
  return `${cookieName}=${token}; ${attributes(request)}; Max-Age=${maxAge}`;
}

export function clearedCookie(request: HeaderCarrier): string {
  return `${cookieName}=; ${attributes(request)}; Max-Age=0`;
}
