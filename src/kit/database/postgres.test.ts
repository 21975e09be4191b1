import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PostgresFixture, startPostgres } from '../../../test/postgres-fixture.ts';
import { emptyCluster, StaticDirectory } from '../cluster/directory.ts';
import { type Database, isRetryable, openDatabase, UnknownOutcome } from './postgres.ts';

let postgres: PostgresFixture;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

/** A cable to the database that can be cut at a commit: before it arrives, or before its answer. */
class Cable implements AsyncDisposable {
  cutsAtCommit: 'before' | 'after' | null = null;
  readonly #server = createServer((near) => this.#join(near));
  readonly #ends = new Set<Socket>();

  async open(): Promise<number> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  #join(near: Socket): void {
    const far = connect(postgres.port, '127.0.0.1');
    const cut = (): void => {
      near.destroy();
      far.destroy();
    };
    let isCommitting = false;
    for (const end of [near, far]) {
      this.#ends.add(end);
      end.on('error', cut).on('close', cut);
    }
    near.on('data', (bytes) => {
      isCommitting ||= bytes.includes('commit');
      if (isCommitting && this.cutsAtCommit === 'before') cut();
      else far.write(bytes);
    });
    far.on('data', (bytes) => {
      if (isCommitting && this.cutsAtCommit === 'after') cut();
      else near.write(bytes);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends) end.destroy();
    this.#server.close();
  }
}

/** A table, and the same database through a cable. */
async function openShop(cable: Cable) {
  const direct = await postgres.createDatabase();
  await direct.query('create table sold (id int primary key)');
  const [row] = await direct.query<{ name: string }>('select current_database() as name');
  const port = await cable.open();
  const directory = new StaticDirectory({
    ...emptyCluster,
    epoch: 1,
    database: { leader: { id: 'test', host: '127.0.0.1', port }, followers: [] },
  });
  const database = openDatabase({
    directory,
    database: row?.name ?? '',
    user: 'postgres',
    password: '',
    connectionsMax: 1,
  });
  const sell = (id: number): Promise<unknown> =>
    database.transaction((sql) => sql.query('insert into sold values ($1)', [id]));
  const sold = async (): Promise<number[]> =>
    (await direct.query<{ id: number }>('select id from sold order by id')).map(({ id }) => id);
  return { direct, directory, database, sell, sold };
}

const caught = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );

describe('a commit whose connection breaks', () => {
  it.each([
    ['before', 'the database has it', []],
    ['after', 'the database has it and before its answer', [1]],
  ] as const)('%s %s is unknown, and the next one is not', async (cuts, _when, kept) => {
    await using cable = new Cable();
    const { database, sell, sold } = await openShop(cable);
    cable.cutsAtCommit = cuts;
    const error = await caught(sell(1));
    expect(error).toBeInstanceOf(UnknownOutcome);
    expect(isRetryable(error)).toBe(true);
    expect(await sold()).toEqual(kept);
    cable.cutsAtCommit = null;
    await sell(2);
    expect(await sold()).toEqual([...kept, 2]);
    await database.close();
  });
});

describe('a commit whose wait for the quorum is cancelled', () => {
  it('is unknown, though the database says that it is done', async () => {
    await using cable = new Cable();
    const { direct, database, sell, sold } = await openShop(cable);
    await quorum(direct, 'ANY 1 (nobody)');
    try {
      const error = caught(sell(1));
      await cancelWaiting(direct);
      expect(await error).toBeInstanceOf(UnknownOutcome);
      expect(await sold()).toEqual([1]);
    } finally {
      await quorum(direct, '');
    }
    await sell(2); // over a session that nobody doubts
    expect(await sold()).toEqual([1, 2]);
    await database.close();
  });
});

it('what runs on a leader that is replaced is unknown at once, the next is not', async () => {
  await using cable = new Cable();
  const { direct, directory, database, sell, sold } = await openShop(cable);
  const error = caught(database.query('insert into sold select 1 from pg_sleep(3600)'));
  const running = `select 1 from pg_stat_activity where wait_event = 'PgSleep'`;
  while ((await direct.query(running)).length === 0);
  directory.set({ ...directory.current, epoch: 2 });
  expect(await error).toBeInstanceOf(UnknownOutcome);
  await sell(2);
  expect(await sold()).toEqual([2]);
  await database.close();
});

it('a statement that the database refuses is no unknown outcome', async () => {
  await using cable = new Cable();
  const { database, sell } = await openShop(cable);
  await sell(1);
  const error = await caught(sell(1));
  expect(error).toMatchObject({ code: '23505' });
  expect(isRetryable(error)).toBe(false);
  await database.close();
});

async function quorum(database: Database, names: string): Promise<void> {
  await database.query(`alter system set synchronous_standby_names = '${names}'`);
  await database.query('select pg_reload_conf()');
  const shown = async (): Promise<unknown> =>
    (
      await database.query<{ names: string }>(
        `select current_setting('synchronous_standby_names') as names`,
      )
    )[0]?.names;
  while ((await shown()) !== names);
}

/** Cancels the session that waits for the quorum, as soon as there is one. */
async function cancelWaiting(database: Database): Promise<void> {
  const sql = `select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'`;
  while ((await database.query(sql)).length === 0);
}
