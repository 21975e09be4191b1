import { SignJWT } from 'jose';
import { Value } from 'typebox/value';
import { describe, expect, test } from 'vitest';
import {
  CustomersFixture,
  cheapHashes,
  cookieOf,
  customersPerTest,
  sessionKey,
} from '../../../test/customers/customers-fixture.ts';
import { Customer } from '../../api/customer.ts';
import type { Database } from '../../kit/database/postgres.ts';
import type { Role } from '../../kit/http/principal.ts';
import { ensureOwner, ownerEmail } from './owner.ts';
import { tokenLifeMs } from './session-token.ts';
import { clientFailuresMax } from './sign-in-limit.ts';

let database: Database;
let shop: CustomersFixture;

customersPerTest((given) => {
  shop = given;
  database = given.database;
});

const ada = { email: 'Ada@Example.com', password: 'analytical engine', name: 'Ada' };

const signUp = (body: object = ada) => shop.ask({ method: 'POST', url: '/api/customers', body });
const signIn = (email: string, password: string, client = '192.0.2.1') =>
  shop.ask({
    method: 'POST',
    url: '/api/sessions',
    body: { email, password },
    headers: { 'x-forwarded-for': client },
  });
const me = (cookie: string | null) => shop.ask({ method: 'GET', url: '/api/customers/me', cookie });
const change = (cookie: string | null, body: object) =>
  shop.ask({ method: 'PATCH', url: '/api/customers/me', cookie, body });
const signOut = (cookie: string | null) =>
  shop.ask({ method: 'DELETE', url: '/api/sessions', cookie });

async function actions(): Promise<string[]> {
  const rows = await database.query<{ action: string }>('select action from audit_log order by id');
  return rows.map(({ action }) => action);
}

async function setRole(role: Role): Promise<void> {
  await database.query('update customers set role = $1', [role]);
}

describe('opening an account', () => {
  test('signs in, and never shows the password again', async () => {
    const answer = await signUp();
    expect(answer.statusCode).toBe(201);
    expect(Value.Errors(Customer, answer.json())).toEqual([]);
    expect(answer.json()).toMatchObject({ email: ada.email, name: 'Ada', role: 'customer' });
    expect((await me(cookieOf(answer))).json()).toEqual(answer.json());
    const [row] = await database.query<{ password_hash: string }>(
      'select password_hash from customers',
    );
    expect(row?.password_hash).toMatch(/^\$argon2id\$/);
  });

  test('refuses a taken e-mail address, whatever its case, also at the same time', async () => {
    const emails = ['ada@example.com', 'ADA@example.com', 'Ada@EXAMPLE.com'];
    const answers = await Promise.all(emails.map((email) => signUp({ ...ada, email })));
    expect(answers.map((each) => each.statusCode).sort()).toEqual([201, 409, 409]);
  });

  test('gives a cookie that scripts cannot read, secure where visitors come over TLS', async () => {
    const plain = String((await signUp()).headers['set-cookie']);
    expect(plain).toMatch(/^session=\S+; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/);
    const secure = await shop.ask({
      method: 'POST',
      url: '/api/customers',
      body: { ...ada, email: 'other@example.com' },
      headers: { 'x-forwarded-proto': 'https' },
    });
    expect(String(secure.headers['set-cookie'])).toContain('; Secure');
  });
});

describe('signing in', () => {
  test('answers a cookie for the right password, in any case of the address', async () => {
    await signUp();
    const answer = await signIn('ada@example.COM', ada.password);
    expect(answer.statusCode).toBe(201);
    expect((await me(cookieOf(answer))).json().email).toBe(ada.email);
  });

  test('tells a wrong password from an unknown address in nothing', async () => {
    await signUp();
    const wrong = await signIn(ada.email, 'difference engine');
    const unknown = await signIn('nobody@example.com', 'difference engine');
    expect(wrong.statusCode).toBe(401);
    expect(unknown.statusCode).toBe(401);
    expect(wrong.json()).toEqual(unknown.json());
    expect([cookieOf(wrong), cookieOf(unknown)]).toEqual([null, null]);
  });

  test('takes the same password however its characters are composed', async () => {
    await signUp({ ...ada, password: 'caf\u00e9 cr\u00e8me' });
    expect((await signIn(ada.email, 'cafe\u0301 cre\u0300me')).statusCode).toBe(201);
  });

  test('is refused after too many failures, for that client only', async () => {
    await signUp();
    for (let n = 0; n < clientFailuresMax; n += 1) {
      expect((await signIn(ada.email, 'wrong guess')).statusCode).toBe(401);
    }
    const refused = await signIn(ada.email.toLowerCase(), ada.password);
    expect(refused.statusCode).toBe(429);
    const wait = Number(refused.headers['retry-after']);
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(600);
    expect((await signIn(ada.email, ada.password, '192.0.2.2')).statusCode).toBe(201);
    const restarted = new CustomersFixture(database);
    const again = await restarted.ask({
      method: 'POST',
      url: '/api/sessions',
      body: ada && { email: ada.email, password: ada.password },
      headers: { 'x-forwarded-for': '192.0.2.1' },
    });
    expect(again.statusCode).toBe(429);
    await restarted.close();
  });

  test('a burst of guesses does not get ahead of the count', async () => {
    await signUp();
    const guess = () => signIn(ada.email, 'wrong guess');
    const answers = [];
    for (let n = 0; n < 5; n += 1) {
      answers.push(...(await Promise.all(Array.from({ length: 40 }, guess))));
    }
    const tried = answers.filter((each) => each.statusCode === 401).length;
    expect(tried).toBe(clientFailuresMax);
    expect(answers.filter((each) => each.statusCode === 429).length).toBe(200 - tried);
  });

  test('a success forgives the failures before it', async () => {
    await signUp();
    for (let round = 0; round < 3; round += 1) {
      for (let n = 0; n < clientFailuresMax - 1; n += 1) await signIn(ada.email, 'wrong guess');
      expect((await signIn(ada.email, ada.password)).statusCode).toBe(201);
    }
  });

  test('of those who run the shop is noted, of customers not', async () => {
    await signUp();
    await signIn(ada.email, ada.password);
    expect(await actions()).toEqual([]);
    await setRole('staff');
    await signIn(ada.email, ada.password);
    expect(await actions()).toEqual(['session.opened']);
  });
});

describe('a session', () => {
  test('ends with signing out, also for a copy of the cookie', async () => {
    const cookie = cookieOf(await signUp());
    const other = cookieOf(await signIn(ada.email, ada.password));
    const answer = await signOut(cookie);
    expect(answer.statusCode).toBe(204);
    expect(String(answer.headers['set-cookie'])).toMatch(/^session=;.*Max-Age=0/);
    expect((await me(cookie)).statusCode).toBe(401);
    expect((await me(other)).statusCode).toBe(200);
    for (const each of [cookie, null, 'session=x', 'other=1']) {
      expect((await signOut(each)).statusCode).toBe(204);
    }
  });

  test('is renewed when its token is due, and after the token expired', async () => {
    const cookie = cookieOf(await signUp());
    expect(cookieOf(await me(cookie))).toBe(null); // fresh: no new cookie
    shop.now += 61_000;
    const renewed = cookieOf(await me(cookie));
    expect(renewed).toMatch(/^session=/);
    expect(renewed).not.toBe(cookie);
    shop.now += tokenLifeMs * 2;
    const again = await me(renewed);
    expect([again.statusCode, cookieOf(again) !== null]).toEqual([200, true]);
  });

  test('is over when nobody renewed it for long', async () => {
    const cookie = cookieOf(await signUp());
    await database.query("update sessions set expires_at = now() - interval '1 second'");
    expect((await me(cookie)).statusCode).toBe(401);
  });

  test('has the role of now, and many are looked at in one question, each for itself', async () => {
    const cookie = cookieOf(await signUp());
    const bob = cookieOf(await signUp({ ...ada, email: 'bob@example.com' }));
    await setRole('staff');
    await signOut(bob);
    const holders = await Promise.all(
      [cookie, bob, cookie].map((each) => shop.sessions.liveHolderOf(each ?? '', 'http')),
    );
    const staff = expect.objectContaining({ email: ada.email, role: 'staff' });
    expect(holders.map(({ principal }) => principal)).toEqual([staff, null, staff]);
    for (const body of [{}, [], { asked: [{ sessionId: "'", renew: true }] }, { asked: 5 }]) {
      const ask = { method: 'POST', url: '/internal/sessions/living', body } as const;
      expect((await shop.ask(ask)).statusCode).toBe(422);
    }
  });

  test('cannot be forged: another key, another algorithm, another id', async () => {
    const customer = (await signUp()).json();
    const claims = { email: ada.email, role: 'owner', sid: customer.id };
    const forge = (key: Uint8Array, sid: string) =>
      new SignJWT({ ...claims, sid })
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(customer.id)
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(key);
    const plain = (text: object) => Buffer.from(JSON.stringify(text)).toString('base64url');
    const tokens = [
      await forge(Buffer.alloc(32, 8), customer.id),
      await forge(sessionKey, customer.id), // rightly signed, but no such session
      await forge(sessionKey, "' or 1=1 --"),
      `${plain({ alg: 'none' })}.${plain({ ...claims, sub: customer.id, iat: 1 })}.`,
      'x'.repeat(5_000),
    ];
    for (const token of tokens) expect((await me(`session=${token}`)).statusCode).toBe(401);
  });
});

describe('own data', () => {
  test('can be changed: the name freely, e-mail and password with the password', async () => {
    const cookie = cookieOf(await signUp());
    expect((await change(cookie, { name: 'Countess' })).json().name).toBe('Countess');
    const email = 'countess@example.com';
    expect((await change(cookie, { email })).statusCode).toBe(422);
    const wrong = await change(cookie, { email, currentPassword: 'wrong' });
    expect(wrong.json().errors).toEqual([
      { path: 'body/currentPassword', message: 'is not the password' },
    ]);
    const right = await change(cookie, { email, currentPassword: ada.password });
    expect(right.json()).toMatchObject({ email, name: 'Countess' });
    expect((await me(cookieOf(right))).json().email).toBe(email);
  });

  test('an e-mail address of someone else is refused', async () => {
    await signUp({ ...ada, email: 'bob@example.com' });
    const cookie = cookieOf(await signUp());
    const body = { email: 'BOB@example.com', currentPassword: ada.password };
    expect((await change(cookie, body)).statusCode).toBe(409);
  });

  test('a new password ends the other sessions', async () => {
    const cookie = cookieOf(await signUp());
    const other = cookieOf(await signIn(ada.email, ada.password));
    const body = { password: 'difference engine', currentPassword: ada.password };
    expect((await change(cookie, body)).statusCode).toBe(200);
    expect((await me(cookie)).statusCode).toBe(200);
    expect((await me(other)).statusCode).toBe(401);
    expect((await signIn(ada.email, ada.password)).statusCode).toBe(401);
    expect((await signIn(ada.email, 'difference engine')).statusCode).toBe(201);
  });

  test('guessing the current password through a stolen session is limited too', async () => {
    const cookie = cookieOf(await signUp());
    const body = { password: 'new password', currentPassword: 'wrong guess' };
    for (let n = 0; n < clientFailuresMax; n += 1) await change(cookie, body);
    expect((await change(cookie, body)).statusCode).toBe(429);
  });

  test('needs a session', async () => {
    for (const method of ['GET', 'DELETE'] as const) {
      const answer = await shop.ask({ method, url: '/api/customers/me' });
      expect(answer.statusCode).toBe(401);
    }
    expect((await change(null, { name: 'x' })).statusCode).toBe(401);
  });
});

describe('erasing an account', () => {
  test('leaves nothing personal, ends its sessions, and frees the address', async () => {
    const signedUp = await signUp();
    const cookie = cookieOf(signedUp);
    const { id } = signedUp.json();
    const as = { customerId: id, email: ada.email, role: 'customer' as const };
    await shop.ask({ method: 'POST', url: '/api/carts', as });
    const answer = await shop.ask({ method: 'DELETE', url: '/api/customers/me', cookie });
    expect(answer.statusCode).toBe(204);
    expect((await me(cookie)).statusCode).toBe(401);
    expect((await signIn(ada.email, ada.password)).statusCode).toBe(401);
    // Browsing believes a token for a minute longer: nothing is kept for it.
    const guestCart = (await shop.ask({ method: 'POST', url: '/api/carts' })).json().id;
    await shop.ask({ method: 'POST', url: '/api/carts', as });
    const claim = { method: 'POST', url: `/api/carts/${guestCart}/claim`, as } as const;
    expect((await shop.ask(claim)).statusCode).toBe(401);
    expect(await database.query('select * from carts')).toEqual([]);
    const tables = ['customers', 'sessions', 'carts', 'audit_log', 'erasures'];
    const dump = await Promise.all(tables.map((table) => database.query(`select * from ${table}`)));
    // Quoted or as an address: three letters alone also occur in the digits of a random id.
    expect(JSON.stringify(dump)).not.toMatch(/"ada"|ada@/i);
    expect(await actions()).toEqual(['customer.erased']);
    expect((await signUp()).statusCode).toBe(201);
  });

  test('reaches the orders service, however often that must be tried', async () => {
    const sent: string[] = [];
    const isUp = { orders: false };
    shop.sendErasure = async (id) => {
      sent.push(id);
      if (!isUp.orders) throw new Error('404: no such route');
    };
    const signedUp = await signUp();
    const { id } = signedUp.json();
    await shop.ask({ method: 'DELETE', url: '/api/customers/me', cookie: cookieOf(signedUp) });
    const waiting = () => database.query<{ attempts: number }>('select * from erasures');
    await expect.poll(async () => (await waiting())[0]?.attempts).toBe(1);
    expect(await shop.outbox.deliver()).toBe(0); // not due yet
    isUp.orders = true;
    await database.query(
      "update erasures set requested_at = now() - interval '1 hour', due_at = now()",
    );
    expect(await shop.outbox.deliver()).toBe(1);
    expect(sent).toEqual([id, id]);
    expect(await waiting()).toEqual([]);
  });
});

describe('the owner', () => {
  test('has the password of the installation, also after it changed', async () => {
    expect(await ensureOwner(database, 'first', cheapHashes)).toBe('created');
    expect(await ensureOwner(database, 'first', cheapHashes)).toBe('unchanged');
    const answer = await signIn(ownerEmail, 'first');
    expect([answer.statusCode, answer.json().role]).toEqual([201, 'owner']);
    expect(await ensureOwner(database, 'second', cheapHashes)).toBe('changed');
    expect((await me(cookieOf(answer))).statusCode).toBe(401);
    expect((await signIn(ownerEmail, 'first')).statusCode).toBe(401);
    expect((await signIn(ownerEmail, 'second')).statusCode).toBe(201);
  });

  test('is made once by instances that start together', async () => {
    const made = await Promise.all(
      Array.from({ length: 4 }, () => ensureOwner(database, 'first', cheapHashes)),
    );
    expect(made.filter((each) => each === 'created')).toHaveLength(1);
  });

  test('can neither be erased nor move away', async () => {
    await ensureOwner(database, 'owner password', cheapHashes);
    const cookie = cookieOf(await signIn(ownerEmail, 'owner password'));
    const erased = await shop.ask({ method: 'DELETE', url: '/api/customers/me', cookie });
    expect(erased.statusCode).toBe(409);
    const body = { email: 'x@example.com', currentPassword: 'owner password' };
    expect((await change(cookie, body)).statusCode).toBe(409);
    expect((await change(cookie, { name: 'Boss' })).json().name).toBe('Boss');
    expect((await signUp({ ...ada, email: 'OWNER@localhost' })).statusCode).toBe(409);
  });
});
