/** Starts from a home in which something was lost: rebuilt from a good copy, or told what to do. */
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ClusterFile } from '../../src/services/supervisor/cluster-file.ts';
import { whyNotServing } from '../../src/services/supervisor/postgres/diagnosis.ts';
import { TrioFixture, Writer } from './trio-fixture.ts';

const fixture = new TrioFixture();
let promised: number[] = [];

beforeAll(async () => {
  await fixture.start();
  const client = fixture.connection(fixture.leader.node.port);
  await client.connect();
  await client.query('create table promised (id bigint primary key)');
  await client.end();
}, 60_000);

afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
}, 30_000);

/** Every test begins with three whole copies that do not run. */
beforeEach(async () => {
  await fixture.whole();
  const writer = new Writer(fixture, (promised.at(-1) ?? 0) + 1_000);
  await writer.more(20);
  await writer.stop();
  promised = [...promised, ...writer.acknowledged];
  await fixture.whole();
  const { leader } = fixture.trio.leadership;
  await fixture.close();
  fixture.steps.length = 0;
  fixture.said.length = 0;
  leaderBefore = leader;
  followersBefore = ['pg-1', 'pg-2', 'pg-3'].filter((id) => id !== leader);
}, 60_000);

let leaderBefore = '';
let followersBefore: string[] = [];

async function expectWholeAgain(): Promise<void> {
  await fixture.start();
  const copies = await fixture.copies();
  for (const copy of copies) {
    const held = new Set(copy);
    expect(promised.filter((id) => !held.has(id))).toEqual([]);
    expect(copy).toEqual(copies[0]);
  }
}

const remove = (...names: string[]): void => {
  const [node = '', ...rest] = names;
  rmSync(fixture.place(node, ...rest), { recursive: true, force: true });
};

test('a leader without its data is replaced by a follower, and copied anew', async () => {
  remove(leaderBefore, 'data');
  await expectWholeAgain();
  expect(fixture.trio.leadership.leader).not.toBe(leaderBefore);
}, 60_000);

test('a leader whose data is damaged is replaced, and PostgreSQL says why', async () => {
  truncateSync(fixture.place(leaderBefore, 'data', 'global', 'pg_control'), 100);
  await expectWholeAgain();
  expect(fixture.trio.leadership.leader).not.toBe(leaderBefore);
  const reasons = fixture.steps.filter((why) => why.includes('ended as it started'));
  expect(reasons).toHaveLength(1);
  expect(reasons[0]).toContain('pg_control');
}, 60_000);

test('both followers without their folders are copied anew', async () => {
  for (const id of followersBefore) remove(id);
  await expectWholeAgain();
  expect(fixture.trio.leadership.leader).toBe(leaderBefore);
}, 60_000);

test.each(['in order', 'suddenly'])(
  'followers that ended %s and whose log was cut hold everything again',
  async (how) => {
    if (how === 'suddenly') {
      await fixture.start();
      await fixture.whole();
      const writer = new Writer(fixture, (promised.at(-1) ?? 0) + 1_000);
      await writer.more(500);
      await writer.stop();
      promised = [...promised, ...writer.acknowledged];
      await fixture.crash();
    }
    for (const id of followersBefore) {
      const wal = fixture.place(id, 'data', 'pg_wal');
      const segments = readdirSync(wal).filter((name) => /^[0-9A-F]{24}$/.test(name));
      for (const name of segments) truncateSync(path.join(wal, name), 8_192);
    }
    await expectWholeAgain();
  },
  60_000,
);

test.each(['lost', 'empty', 'cut'])(
  'a register that is %s is made anew from the data',
  async (how) => {
    const register = fixture.place('leadership.json');
    const text = readFileSync(register, 'utf8');
    if (how === 'lost') rmSync(register);
    else writeFileSync(register, how === 'empty' ? '' : text.slice(0, 12));
    await expectWholeAgain();
    expect(fixture.trio.leadership.leader).toBe(leaderBefore);
    expect(fixture.trio.leadership.epoch).toBeGreaterThan(JSON.parse(text).epoch);
    expect(fixture.said.join()).toContain('leadership.json was lost');
  },
  60_000,
);

test('databases whose passwords were lost get new ones', async () => {
  const { passwords } = fixture;
  fixture.passwords = {
    postgres: 'new-postgres',
    replicator: 'new-replicator',
    catalog: 'new-catalog',
    customers: 'new-customers',
    orders: 'new-orders',
  };
  await fixture.open(true);
  await fixture.trio.untilPublished(30_000);
  expect(await fixture.rows(fixture.leader.node.port)).toEqual(promised);
  const orders = fixture.passwords;
  fixture.passwords = passwords;
  await expect(fixture.rows(fixture.leader.node.port)).rejects.toThrow('authentication failed');
  fixture.passwords = orders;
}, 60_000);

test('secrets of another shop are named as what is wrong', async () => {
  const { passwords } = fixture;
  fixture.passwords = { ...passwords, postgres: 'of-another-shop' };
  await fixture.open();
  await fixture.until(
    'the reason',
    () => whyNotServing(fixture.trio).includes('secrets.json'),
    10_000,
  );
  expect(whyNotServing(fixture.trio)).toContain('password authentication failed');
  await fixture.close();
  fixture.passwords = passwords;
  await fixture.start();
}, 60_000);

test('where an election could lose orders, the owner hears how to go on', async () => {
  const [lost = '', last = ''] = followersBefore;
  remove(leaderBefore, 'data');
  remove(lost, 'data');
  await fixture.open();
  const isSaid = () => whyNotServing(fixture.trio).includes(`${last} (answers)`);
  await fixture.until('the survivor answers', isSaid, 10_000);
  const sentence = whyNotServing(fixture.trio);
  expect(sentence).toContain(`${leaderBefore} (the leader, no data)`);
  expect(sentence).toContain('npm run restore');
  const [, next = '', file = ''] = /write (\{.*\}) to (.*), and start it/.exec(sentence) ?? [];
  await fixture.close();
  writeFileSync(file, next); // as the owner decided
  await expectWholeAgain();
  expect(fixture.trio.leadership.leader).toBe(last);
}, 60_000);

test('a node that cannot be started is tried again more and more seldom', async () => {
  const [broken = ''] = followersBefore;
  remove(broken);
  writeFileSync(fixture.place(broken), 'no folder');
  await fixture.start();
  const writer = new Writer(fixture, (promised.at(-1) ?? 0) + 1_000);
  await writer.more(300);
  await writer.stop();
  promised = [...promised, ...writer.acknowledged];
  const told = fixture.steps.filter((why) => why.startsWith(broken));
  expect(told.some((why) => /ENOTDIR|EEXIST|not a directory/.test(why))).toBe(true);
  expect(new Set(told).size).toBe(told.length);
  rmSync(fixture.place(broken));
  await fixture.whole();
  expect(fixture.trio.leadership.voters).toContain(broken);
}, 60_000);

test('a home whose databases are gone is no new shop', async () => {
  const folder = fixture.place('.');
  for (const name of readdirSync(folder)) rmSync(path.join(folder, name), { recursive: true });
  // also at the second try, after whatever the first one wrote
  for (let tries = 0; tries < 2; tries += 1) {
    await expect(fixture.open()).rejects.toThrow('The databases of this shop are gone');
    new ClusterFile(fixture.home, null).setServices([]);
  }
  rmSync(path.join(fixture.home, 'run'), { recursive: true });
  promised = [];
  await fixture.start();
});
