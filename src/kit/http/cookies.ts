/** Reads and writes cookies. All are hidden from scripts and not sent with cross-site writes. */
import { parseCookie, stringifySetCookie } from 'cookie';

export const sessionIdleDays = 30;
const sessionName = 'session';
const secondsPerDay = 86_400;

/** The value of a request's cookie, or null where it is missing or empty. */
export function readCookie(header: string | undefined, name: string): string | null {
  return (header !== undefined && parseCookie(header)[name]) || null;
}

export interface NewCookie {
  readonly name: string;
  readonly value: string;
  readonly maxAgeSeconds: number;
  /** Of the visitor's request: a cookie that is set over https is sent over https only. */
  readonly scheme: string;
}

/** The value of `Set-Cookie`. */
export function writeCookie({ name, value, maxAgeSeconds, scheme }: NewCookie): string {
  return stringifySetCookie({
    ...{ name, value, maxAge: maxAgeSeconds, path: '/', httpOnly: true, sameSite: 'lax' },
    secure: scheme === 'https',
  });
}

export function sessionTokenOf(header: string | undefined): string | null {
  return readCookie(header, sessionName);
}

/** An empty token signs out. The cookie lives longer than its token, which can be renewed. */
export function sessionCookie(token: string, scheme: string): string {
  const maxAgeSeconds = token === '' ? 0 : sessionIdleDays * secondsPerDay;
  return writeCookie({ name: sessionName, value: token, maxAgeSeconds, scheme });
}
