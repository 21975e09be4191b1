/** Sign-in is a queue that all share: what attackers do to it, and what honest people notice. */
import { expect, test } from 'vitest';
import {
  type CustomersFixture,
  cheapHashes,
  customersPerTest,
} from '../../../test/customers/customers-fixture.ts';
import type { Database } from '../../kit/database/postgres.ts';
import { ensureOwner, ownerEmail } from './owner.ts';
import { accountFailuresMax, attackedPauseMs, clientFailuresMax } from './sign-in-limit.ts';
import { SignInQueue } from './sign-in-queue.ts';

let database: Database;
let shop: CustomersFixture;

customersPerTest((given) => {
  shop = given;
  database = given.database;
});

const [home, hotel, office, attacker] = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '203.0.113.99'];
const ada = { email: 'ada@example.com', password: 'analytical engine', name: 'Ada' };

const signUp = (body = ada) =>
  shop.ask({ method: 'POST', url: '/api/customers', body, headers: { 'x-forwarded-for': home } });
async function signIn(email: string, password: string, client: string): Promise<number> {
  const headers = { 'x-forwarded-for': client };
  const body = { email, password };
  return (await shop.ask({ method: 'POST', url: '/api/sessions', body, headers })).statusCode;
}

/** Ten addresses, each with as many wrong guesses as one may have. */
async function attack(email: string): Promise<void> {
  const addresses = Array.from({ length: accountFailuresMax / clientFailuresMax }, (_each, n) => n);
  await Promise.all(
    addresses.map(async (n) => {
      for (let guess = 0; guess < clientFailuresMax; guess += 1) {
        expect(await signIn(email, 'wrong guess', `198.51.100.${n}`)).toBe(401);
      }
    }),
  );
}

/** A queue whose work ends when the test says so. */
function heldQueue() {
  const queue = new SignInQueue();
  const order: string[] = [];
  const running: (() => void)[] = [];
  const attempt = (client: string, account: string, isKnown = false) =>
    queue.attempt(
      { client, account },
      async () => ({ isKnown, pauseMs: 0 }),
      async () => {
        order.push(client);
        await new Promise<void>((resolve) => running.push(resolve));
      },
    );
  const endAll = async (count: number): Promise<void> => {
    for (let ended = 0; ended < count; ended += 1) {
      await expect.poll(() => running.length).toBeGreaterThan(0);
      running.shift()?.();
    }
  };
  return { order, attempt, endAll };
}

test('a crowd from one address puts no more than one of its own before anybody else', async () => {
  const { order, attempt, endAll } = heldQueue();
  const crowd = Array.from({ length: 40 }, (_each, n) => attempt('attacker', `account ${n}`));
  const refused = crowd.slice(21).map((each) => expect(each).rejects.toThrow('Too many'));
  await expect.poll(() => order).toEqual(['attacker']); // one place, though two may run
  const honest = ['ada', 'bob', 'eve'].map((client) => attempt(client, client));
  await endAll(24);
  await Promise.all([...crowd.slice(0, 21), ...honest, ...refused]);
  for (const [place, client] of ['ada', 'bob', 'eve'].entries()) {
    expect(order.indexOf(client)).toBeLessThanOrEqual(2 * place + 2);
  }
});

test('40 addresses that guess at one account take one place of all', async () => {
  const { order, attempt, endAll } = heldQueue();
  const crowd = Array.from({ length: 40 }, (_each, n) => attempt(`attacker ${n}`, 'owner'));
  const refused = crowd.slice(11).map((each) => expect(each).rejects.toThrow('Too many'));
  await expect.poll(() => order).toEqual(['attacker 0']);
  const honest = attempt('ada', 'ada');
  await expect.poll(() => order).toEqual(['attacker 0', 'ada']); // beside it, at once
  await endAll(12);
  await Promise.all([...crowd.slice(0, 11), honest, ...refused]);
});

test('who guesses at many accounts from many addresses is not before known clients', async () => {
  const { order, attempt, endAll } = heldQueue();
  const crowd = Array.from({ length: 40 }, (_each, n) => attempt(`attacker ${n}`, `account ${n}`));
  await expect.poll(() => order).toEqual(['attacker 0', 'attacker 1']);
  const honest = attempt('ada', 'ada', true);
  await expect.poll(() => order.at(-1)).toBe('ada');
  await endAll(41);
  await Promise.all([...crowd, honest]);
});

test('40 sign-ins at once from one address, and others get in', async () => {
  await signUp();
  const crowd = Array.from({ length: 40 }, (_each, n) =>
    signIn(`nobody-${n}@example.com`, 'wrong guess', attacker),
  );
  const honest = ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((client) =>
    signIn(ada.email, ada.password, client),
  );
  expect(await Promise.all(honest)).toEqual([201, 201, 201]);
  const statuses = await Promise.all(crowd);
  expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(0);
  expect(new Set(statuses)).toEqual(new Set([401, 429]));
});

test('ten addresses lock nobody out: known ones get in at once, others later', async () => {
  const pauses: number[] = [];
  shop.pause = async (ms) => void pauses.push(ms);
  await signUp();
  expect(await signIn(ada.email, ada.password, home)).toBe(201);
  await attack(ada.email);
  expect(await signIn(ada.email, ada.password, home)).toBe(201);
  expect(pauses).toEqual([]);
  expect(await signIn(ada.email, ada.password, hotel)).toBe(201);
  expect(pauses).toEqual([attackedPauseMs]);
  expect(await signIn(ada.email, ada.password, '198.51.100.1')).toBe(429);
});

test('an account under attack is tried by one new client at a time, existing or not', async () => {
  let waiting = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  shop.pause = () => {
    waiting += 1;
    return promise;
  };
  await attack('nobody@example.com');
  const newcomers = Array.from({ length: 10 }, (_each, n) =>
    signIn('nobody@example.com', 'wrong guess', `203.0.113.${n}`),
  );
  await expect.poll(() => waiting).toBe(1);
  resolve();
  const statuses = await Promise.all(newcomers);
  expect(statuses.filter((status) => status === 401).length).toBeLessThanOrEqual(4);
  expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(6);
});

test('spellings of one e-mail address are one account to the count', async () => {
  await signUp({ ...ada, email: 'KIM@example.com' });
  const spellings = ['kim@example.com', 'KIM@EXAMPLE.com', 'Kim@example.COM', 'kIm@example.com'];
  const statuses: number[] = [];
  for (let n = 0; n < clientFailuresMax + 2; n += 1) {
    statuses.push(await signIn(spellings[n % spellings.length] ?? '', 'wrong guess', attacker));
  }
  expect(statuses.filter((status) => status === 401)).toHaveLength(clientFailuresMax);
  const dotted = ['\u0130@example.com', 'i\u0307@example.com', 'I@example.com', 'i@example.com'];
  const [{ names } = { names: 0 }] = await database.query<{ names: number }>(
    'select count(distinct lower(each))::integer as names from unnest($1::text[]) as each',
    [dotted],
  );
  for (const email of dotted) await signIn(email, 'wrong guess', attacker);
  const [counts] = await database.query<{ accounts: number }>(
    "select count(*)::integer as accounts from sign_in_failures where key like 'account:%'",
  );
  expect(counts?.accounts).toBe(names + 1); // as the database tells accounts apart
});

test('one IPv6 line is one client, whichever of its addresses it takes', async () => {
  const statuses: number[] = [];
  for (let n = 0; n < clientFailuresMax + 5; n += 1) {
    statuses.push(await signIn(ada.email, 'wrong guess', `2001:db8:1:2::${n + 1}`));
  }
  expect(statuses.filter((status) => status === 401)).toHaveLength(clientFailuresMax);
  expect(await signIn(ada.email, 'wrong guess', '2001:db8:1:3::1')).toBe(401);
});

test('a new password at the start of the shop lets the owner in from anywhere', async () => {
  const pauses: number[] = [];
  shop.pause = async (ms) => void pauses.push(ms);
  await ensureOwner(database, 'forgotten one', cheapHashes);
  for (let n = 0; n < clientFailuresMax; n += 1) await signIn(ownerEmail, 'wrong guess', office);
  await attack(ownerEmail);
  expect(await signIn(ownerEmail, 'forgotten one', office)).toBe(429);
  pauses.length = 0;
  expect(await ensureOwner(database, 'a new one', cheapHashes)).toBe('changed');
  expect(await signIn(ownerEmail, 'a new one', office)).toBe(201);
  expect(pauses).toEqual([]);
});

test('who is erased leaves no trace of their sign-ins', async () => {
  const signedUp = await signUp();
  await signIn(ada.email, 'wrong guess', home);
  await signIn(ada.email, ada.password, home);
  const cookie = String(signedUp.headers['set-cookie']).split(';')[0] ?? null;
  await shop.ask({ method: 'DELETE', url: '/api/customers/me', cookie });
  expect(await database.query('select * from sign_in_failures')).toEqual([]);
});
