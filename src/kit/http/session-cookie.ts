/** The cookie of a session: its name and its life, read and written in this place only. */
import { parseCookie, stringifySetCookie } from 'cookie';

export const sessionIdleDays = 30;
const name = 'session';
const secondsPerDay = 86_400;

/** The value of the session cookie, or null. */
export function sessionTokenOf(cookieHeader: string): string | null {
  return parseCookie(cookieHeader)[name] || null;
}

/** `Set-Cookie` that signs in, or signs out with an empty token. `scheme` is the visitor's. */
export function sessionCookie(token: string, scheme: string): string {
  return stringifySetCookie({
    name,
    value: token,
    path: '/',
    httpOnly: true,
    secure: scheme === 'https',
    sameSite: 'lax',
    // It outlives the token: an expired token can be renewed while its session lives.
    maxAge: token === '' ? 0 : sessionIdleDays * secondsPerDay,
  });
}
