import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TrioNode } from '../../src/services/supervisor/postgres/trio-node.ts';
import { TrioFixture, Writer } from './trio-fixture.ts';

const fixture = new TrioFixture();
const promised: number[] = [];

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

/** Runs some mishap under a stream of writes, then compares all copies with what was promised. */
async function during(mishap: (writer: Writer) => Promise<void>): Promise<Writer> {
  await fixture.whole();
  const writer = new Writer(fixture, (promised.at(-1) ?? 0) + 1_000);
  await writer.more(20);
  await mishap(writer);
  await writer.more(20);
  await fixture.whole();
  await writer.stop();
  promised.push(...writer.acknowledged);
  const copies = await fixture.copies();
  for (const copy of copies) {
    const held = new Set(copy);
    expect(promised.filter((id) => !held.has(id))).toEqual([]);
    expect(copy).toEqual(copies[0]);
  }
  return writer;
}

test('a killed leader is replaced in a moment, and nothing acknowledged is lost', async () => {
  const { epoch, leader } = fixture.trio.leadership;
  const writer = await during(async (writing) => {
    fixture.leader.node.signalAll('SIGKILL');
    await fixture.until('a new epoch', () => fixture.trio.leadership.epoch > epoch);
    await writing.more(20);
  });
  expect(fixture.trio.leadership.leader).not.toBe(leader);
  expect(writer.longestGapMs).toBeLessThan(5_000);
});

test('a paused leader is fenced: when it would wake up it is gone', async () => {
  const { epoch } = fixture.trio.leadership;
  const old = fixture.leader;
  const oldProcesses = old.node.processes();
  await during(async (writing) => {
    old.node.signalAll('SIGSTOP');
    await fixture.until('a new epoch', () => fixture.trio.leadership.epoch > epoch);
    await writing.more(20);
  });
  expect(old.node.processes().filter((pid) => oldProcesses.includes(pid))).toEqual([]);
});

test('with both followers paused nothing is acknowledged, and it heals by itself', async () => {
  await during(async (writing) => {
    for (const { node } of fixture.followers) node.signalAll('SIGSTOP');
    // A confirmation that was under way may still arrive; after one second none can.
    const before = writing.acknowledged.size;
    await fixture.until('a follower that is started again', () =>
      fixture.followers.some(({ node }) => node.running === null),
    );
    expect(writing.acknowledged.size - before).toBeLessThanOrEqual(2);
    await writing.more(20);
  });
});

test('leader and follower die at once: the leader comes back where it was', async () => {
  const { leader } = fixture.trio.leadership;
  await during(async (writing) => {
    fixture.leader.node.signalAll('SIGKILL');
    fixture.followers[0]?.node.signalAll('SIGKILL');
    await fixture.until('a leaderless moment', () => fixture.published.leader === null);
    await writing.more(20);
  });
  expect(fixture.trio.leadership.voters).toHaveLength(2);
  expect(['pg-1', 'pg-2', 'pg-3']).toContain(leader);
});

test('a planned change of the leader hands over to the one that was asked for', async () => {
  const to = fixture.followers[1]?.node.id ?? '';
  await during(async () => {
    fixture.trio.handOver(to);
    await fixture.until('the new leader', () => fixture.published.leader?.id === to);
  });
  expect(fixture.trio.leadership.leader).toBe(to);
});

test('a follower without its data stops voting, is copied anew, and votes again', async () => {
  const lost = fixture.followers[0];
  if (lost === undefined) throw new Error('no follower');
  const seen = fixture.steps.length;
  await during(async () => {
    lost.node.signalAll('SIGKILL');
    rmSync(lost.node.dataFolder, { recursive: true, force: true });
    await fixture.until('it left the voters', () => {
      return fixture.steps.slice(seen).some((why) => why.includes('no longer votes'));
    });
    await fixture.until('it votes', () => fixture.trio.leadership.voters.includes(lost.node.id));
  });
});

test('a supervisor that dies leaves nothing that its successor cannot go on with', async () => {
  await fixture.whole();
  const writer = new Writer(fixture, (promised.at(-1) ?? 0) + 1_000);
  await writer.more(20);
  const { leadership } = fixture.trio;
  fixture.abandon();
  await writer.more(20);
  await writer.stop();
  promised.push(...writer.acknowledged);
  await fixture.start();
  expect(fixture.trio.leadership.leader).toBe(leadership.leader);
  await during(async () => {});
});

test('a follower that is killed again and again as it starts keeps its data', async () => {
  await fixture.whole();
  const [{ node }] = fixture.followers as [TrioNode];
  const before = fixture.steps.length;
  for (let kills = 0; kills < 6; kills += 1) {
    await fixture.until('a started follower', () => node.processes().length > 0);
    const killed = node.processes();
    node.signalAll('SIGKILL');
    // it is started again at once, so "no process at all" may never be seen
    const isGone = () => !node.processes().some((pid) => killed.includes(pid));
    await fixture.until('a dead follower', isGone);
  }
  await fixture.whole();
  const steps = fixture.steps.slice(before);
  expect(steps.filter((why) => why.startsWith(node.id) && /copied|for good/.test(why))).toEqual([]);
  expect(steps.filter((why) => /is gone: it is started again/.test(why))).not.toEqual([]);
});
