import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import type { Principal } from '../../../kit/http/principal.ts';
import { type AskSessions, Sessions } from './session.ts';

const key = new Uint8Array(32).fill(7);
const sessionId = '6b1f7a52-3c0d-4e8f-9a2b-000000000001';
const principal: Principal = {
  ...{ customerId: '1', email: 'ada@example.com', role: 'customer', sessionId },
};

async function cookieAt(issuedAtSeconds: number, signedWith = key, sid = sessionId) {
  const token = await new SignJWT({ email: principal.email, role: principal.role, sid })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject('1')
    .setIssuedAt(issuedAtSeconds)
    .setExpirationTime(issuedAtSeconds + 3_600)
    .sign(signedWith);
  return `theme=dark; session=${token}`;
}

/** The customers service: a list of its requests, and one live session. */
class Customers {
  readonly questions: Parameters<AskSessions>[0][] = [];
  isUp = true;
  living: Principal | null = principal;
  readonly ask = async (asked: Parameters<AskSessions>[0]) => {
    this.questions.push(asked);
    if (!this.isUp) throw new Error('down');
    const living = this.living;
    return asked.map(({ renew }) =>
      living === null ? null : { principal: living, token: renew ? 'fresh' : null },
    );
  };
}

function sessionsAt(seconds: number) {
  const clock = { seconds, now: () => clock.seconds * 1_000 };
  const customers = new Customers();
  return { clock, customers, sessions: new Sessions(key, clock, customers.ask) };
}

describe('a cached session', () => {
  it('is what its token says while that is fresh', async () => {
    const { sessions, customers } = sessionsAt(1_030);
    const holder = await sessions.holderOf(await cookieAt(1_000), 'http');
    expect(holder).toEqual({ principal, setCookie: null });
    expect(customers.questions).toEqual([]);
  });

  it('is renewed once for all requests when it is due, and again a minute later', async () => {
    const { sessions, customers, clock } = sessionsAt(1_100);
    const cookie = await cookieAt(1_000);
    const all = await Promise.all([1, 2, 3].map(() => sessions.holderOf(cookie, 'https')));
    for (const holder of all) {
      expect(holder.principal).toEqual(principal);
      expect(holder.setCookie).toMatch(/^session=fresh; .*Secure/);
    }
    expect(customers.questions).toEqual([[{ sessionId, renew: true }]]);
    clock.seconds += 61;
    await sessions.holderOf(cookie, 'http');
    expect(customers.questions).toHaveLength(2);
  });

  it('ends once it was signed out of', async () => {
    const { sessions, customers } = sessionsAt(1_100);
    customers.living = null;
    const holder = await sessions.holderOf(await cookieAt(1_000), 'http');
    expect(holder).toEqual({ principal: null, setCookie: null });
  });

  it('goes on without the customers service until its token expires', async () => {
    const { sessions, customers, clock } = sessionsAt(1_100);
    customers.isUp = false;
    const cookie = await cookieAt(1_000);
    for (let n = 0; n < 3; n += 1) {
      expect((await sessions.holderOf(cookie, 'http')).principal).toEqual(principal);
    }
    expect(customers.questions).toHaveLength(1); // not asked again for each request
    clock.seconds = 4_601;
    expect((await sessions.holderOf(cookie, 'http')).principal).toBeNull();
  });

  it('is a guest where the token was forged, or names no session', async () => {
    const { sessions, customers } = sessionsAt(1_030);
    const forged = await cookieAt(1_000, new Uint8Array(32).fill(8));
    for (const cookie of [forged, 'session=x.y.z', await cookieAt(1_000, key, "' or 1=1")]) {
      expect((await sessions.holderOf(cookie, 'http')).principal).toBeNull();
      expect((await sessions.liveHolderOf(cookie, 'http')).principal).toBeNull();
    }
    expect(customers.questions).toEqual([]);
  });
});

describe('a live session', () => {
  it('is checked each time, in one call for all requests of a turn', async () => {
    const { sessions, customers } = sessionsAt(1_030);
    const cookie = await cookieAt(1_000);
    await sessions.holderOf(cookie, 'http'); // its signature is checked once
    await Promise.all(Array.from({ length: 50 }, () => sessions.liveHolderOf(cookie, 'http')));
    expect(customers.questions.map((asked) => asked.length)).toEqual([50]);
    await sessions.liveHolderOf(cookie, 'http');
    expect(customers.questions).toHaveLength(2);
  });

  it('has the role of now, and so has its browsing from then on', async () => {
    const { sessions, customers } = sessionsAt(1_030);
    const cookie = await cookieAt(1_000);
    customers.living = { ...principal, role: 'staff' };
    expect((await sessions.liveHolderOf(cookie, 'http')).principal?.role).toBe('staff');
    expect((await sessions.holderOf(cookie, 'http')).principal?.role).toBe('staff');
    customers.living = null;
    expect((await sessions.liveHolderOf(cookie, 'http')).principal).toBeNull();
    expect((await sessions.holderOf(cookie, 'http')).principal).toBeNull();
  });

  it('is renewed on the way when it is due', async () => {
    const { sessions, customers } = sessionsAt(1_100);
    const holder = await sessions.liveHolderOf(await cookieAt(1_000), 'http');
    expect(holder.setCookie).toMatch(/^session=fresh;/);
    expect(customers.questions).toEqual([[{ sessionId, renew: true }]]);
  });

  it('is refused with 503 and what to do where the customers service does not answer', async () => {
    const { sessions, customers } = sessionsAt(1_030);
    const cookie = await cookieAt(1_000);
    customers.isUp = false;
    await expect(sessions.liveHolderOf(cookie, 'http')).rejects.toMatchObject({
      body: { status: 503, detail: expect.stringContaining('as a guest') },
      headers: { 'retry-after': '5' },
    });
    expect((await sessions.holderOf(cookie, 'http')).principal).toEqual(principal);
    expect(await sessions.liveHolderOf('theme=dark', 'http')).toMatchObject({ principal: null });
    customers.isUp = true;
    expect((await sessions.liveHolderOf(cookie, 'http')).principal).toEqual(principal);
  });
});
