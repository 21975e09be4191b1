import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { type Renew, Sessions } from './session.ts';

const key = new Uint8Array(32).fill(7);
const principal = { customerId: '1', email: 'ada@example.com', role: 'customer' } as const;
const living = { principal, setCookie: 'session=fresh' };

async function cookieAt(issuedAtSeconds: number, signedWith = key): Promise<string> {
  const token = await new SignJWT({ email: principal.email, role: principal.role })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject('1')
    .setIssuedAt(issuedAtSeconds)
    .setExpirationTime(issuedAtSeconds + 3_600)
    .sign(signedWith);
  return `theme=dark; session=${token}`;
}

function sessionsAt(seconds: number, renew: Renew) {
  const clock = { seconds, now: () => clock.seconds * 1_000 };
  return { clock, sessions: new Sessions(key, clock, renew) };
}

describe('a session', () => {
  it('is believed by its signature while it is fresh', async () => {
    const { sessions } = sessionsAt(1_030, async () => expect.unreachable());
    const visitor = await sessions.holderOf(await cookieAt(1_000), 'http');
    expect(visitor).toEqual({ principal, setCookie: null });
  });

  it('is renewed once for all requests when it is due', async () => {
    let asked = 0;
    const { sessions, clock } = sessionsAt(1_100, async () => {
      asked += 1;
      return living;
    });
    const cookie = await cookieAt(1_000);
    const visits = await Promise.all([1, 2, 3].map(() => sessions.holderOf(cookie, 'http')));
    expect(visits).toEqual([living, living, living]);
    expect(asked).toBe(1);
    clock.seconds += 61;
    await sessions.holderOf(cookie, 'http');
    expect(asked).toBe(2);
  });

  it('ends everywhere once it was signed out of', async () => {
    const { sessions } = sessionsAt(1_100, async () => null);
    const visitor = await sessions.holderOf(await cookieAt(1_000), 'http');
    expect(visitor.principal).toBeNull();
  });

  it('goes on without the customers service until its token expires', async () => {
    const { sessions, clock } = sessionsAt(1_100, async () => Promise.reject(new Error('down')));
    const cookie = await cookieAt(1_000);
    expect((await sessions.holderOf(cookie, 'http')).principal).toEqual(principal);
    clock.seconds = 4_601;
    expect((await sessions.holderOf(cookie, 'http')).principal).toBeNull();
  });

  it('is no one when it was forged', async () => {
    const { sessions } = sessionsAt(1_030, async () => expect.unreachable());
    const forged = await cookieAt(1_000, new Uint8Array(32).fill(8));
    expect((await sessions.holderOf(forged, 'http')).principal).toBeNull();
    expect((await sessions.holderOf('session=x.y.z', 'http')).principal).toBeNull();
  });
});
