import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresFixture, startPostgres } from '../../test/postgres-fixture.ts';
import { purchaseQueueContract } from '../../test/queue/contract.ts';
import {
  idsOf,
  leaseMs,
  newCheckout,
  newCheckouts,
  start,
} from '../../test/queue/sample-checkout.ts';
import { wholeReads } from '../../test/whole-reads.ts';
import { hotStatements, PostgresQueue, queueSettings } from './postgres-queue.ts';

const migrations = fileURLToPath(new URL('../services/orders/migrations', import.meta.url));

let postgres: PostgresFixture;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

purchaseQueueContract('PostgreSQL', async () => {
  return new PostgresQueue(await postgres.createDatabase(migrations));
});

describe('the queue on PostgreSQL', () => {
  it('is one queue for all who open it', async () => {
    const database = await postgres.createDatabase(migrations);
    const [one, two] = [new PostgresQueue(database), new PostgresQueue(database)];
    const batch = newCheckouts(4);
    await one.accept(batch);
    const claim = (queue: PostgresQueue) =>
      queue.claim({ token: randomUUID(), limit: 2, retriesMax: 9, leaseMs, now: start });
    expect(idsOf(await claim(one))).toEqual(idsOf(batch.slice(0, 2)));
    expect(idsOf(await claim(two))).toEqual(idsOf(batch.slice(2)));
  });

  it('takes a batch as it came over the wire, and tells repeated keys apart', async () => {
    const queue = new PostgresQueue(await postgres.createDatabase(migrations));
    const first = newCheckouts(2);
    const { fresh, others } = await queue.acceptJson(JSON.stringify(first), 2);
    expect(idsOf(fresh)).toEqual(idsOf(first));
    expect(others).toEqual([]);
    const [known] = first;
    const again = newCheckout({ key: known?.key ?? '', hash: known?.hash ?? '' });
    const mixed = [again, newCheckout()];
    const second = await queue.acceptJson(JSON.stringify(mixed), 2);
    expect(idsOf(second.fresh)).toEqual([mixed[1]?.id]);
    expect(second.others).toMatchObject([{ id: again.id, kind: 'repeated', first: known?.id }]);
  });

  it('says which keys are known without taking any', async () => {
    const queue = new PostgresQueue(await postgres.createDatabase(migrations));
    const known = newCheckout();
    await queue.accept([known]);
    const same = newCheckout({ key: known.key, hash: known.hash });
    const another = newCheckout({ key: known.key });
    const unknown = newCheckout();
    const answers = await queue.knownKeys([same, another, unknown]);
    expect(answers.toSorted((a, b) => a.kind.localeCompare(b.kind))).toMatchObject([
      { id: another.id, kind: 'key-reused' },
      { id: same.id, kind: 'repeated', first: known.id },
    ]);
    expect(await queue.accept([unknown])).toMatchObject([{ kind: 'accepted' }]);
  });

  it('finds within half a second what was given back behind where claims begin', async () => {
    const database = await postgres.createDatabase(migrations);
    const [one, two] = [new PostgresQueue(database), new PostgresQueue(database)];
    await one.accept(newCheckouts(6));
    const token = randomUUID();
    const held = await one.claim({ token, limit: 2, retriesMax: 9, leaseMs, now: start });
    const claim = (now: number) =>
      two.claim({ token: randomUUID(), limit: 2, retriesMax: 9, leaseMs, now });
    await claim(start);
    await one.giveBack(
      token,
      held.map(({ seq }) => seq),
    );
    await claim(start + 1);
    expect(idsOf(await claim(start + 500))).toEqual(idsOf(held));
  });
});

describe('a follow-up of a kind that a newer version writes', () => {
  it('is handed out as unknown, never as one of the known kinds', async () => {
    const database = await postgres.createDatabase(migrations);
    const queue = new PostgresQueue(database);
    const checkout = newCheckout();
    await queue.accept([checkout]);
    await database.query('alter table follow_ups drop constraint follow_ups_kind_check');
    const add = 'insert into follow_ups (checkout_id, kind) values ($1, $2)';
    for (const kind of ['capture', 'refund']) await database.query(add, [checkout.id, kind]);
    const due = await queue.claimFollowUps(9, start, leaseMs);
    expect(due.map(({ kind }) => kind)).toEqual(['unknown', 'refund']);
  });
});

describe('plans for a queue of any size', () => {
  it.each([
    ['a new database', { rows: 0, analyze: 'select 1' }],
    ['an empty queue that was analyzed', { rows: 0, analyze: 'vacuum analyze' }],
    ['a queue of three', { rows: 3, analyze: 'vacuum analyze' }],
  ])('read no table and no index whole, when made for %s', async (_name, { rows, analyze }) => {
    const database = await postgres.createDatabase(migrations);
    if (rows > 0) await new PostgresQueue(database).accept(newCheckouts(rows));
    await database.query(analyze);
    for (const [name, sql] of Object.entries(hotStatements)) {
      const read = await wholeReads(database, sql, queueSettings);
      // follow-ups are few, and the oldest of them are looked for in the order of their index
      const found = read.filter((each) => each !== 'Index Scan follow_ups');
      expect(found, name).toEqual([]);
    }
  });
});
