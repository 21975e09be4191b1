/**
 * Sessions: a row that says who is signed in, and a signed copy of it that needs no look-up.
 *
 * The row (table `sessions`) is the truth. It ends by signing out, by a change of password or role,
 * by erasure, or `sessionIdleDays` after its last renewal. The token in the cookie is a copy that
 * the gateway verifies by its signature alone, so browsing costs the customers service nothing. For
 * money, staff and one's own account the gateway asks for the row (gateway/visitor/session.ts).
 *
 * A token older than `tokenLifeMs` is no longer accepted, but can still be renewed. So while the
 * customers service is down, visitors stay signed in for that long and can browse.
 * Rejected: asking for the row on every request (a hop more each, and customers
 * down would sign everyone out), and long-lived tokens without a row (no way to sign out).
 */
import { SignJWT } from 'jose';
import type { Principal } from '../../kit/http/principal.ts';

export const tokenLifeMs = 60 * 60_000;

export function signToken(
  { customerId, email, role }: Principal,
  sessionId: string,
  key: Uint8Array,
  now: number,
): Promise<string> {
  const issuedAt = Math.floor(now / 1_000);
  return new SignJWT({ email, role, sid: sessionId })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(customerId)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + tokenLifeMs / 1_000)
    .sign(key);
}
