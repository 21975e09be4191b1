import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type PostgresFixture, startPostgres } from '../../../test/postgres-fixture.ts';
import { emptyCluster, StaticDirectory } from '../cluster/directory.ts';
import { type Database, openDatabase, UnknownOutcome } from './postgres.ts';

let servers: PostgresFixture[];
beforeAll(async () => {
  servers = await Promise.all([startPostgres(), startPostgres()]);
});
afterAll(() => Promise.all(servers.map((each) => each.stop())));

/** An address that leads to one server after the other, as the name of a writer does. */
class WriterName implements AsyncDisposable {
  port = 0;
  /** Null: nobody is there. */
  target: number | null = null;
  /** Connections that were made so far. */
  joins = 0;
  /** New bytes go nowhere, as where a machine was cut off. */
  swallows = false;
  readonly #server = createServer((near) => this.#join(near));
  readonly #ends = new Set<Socket>();

  static async open(): Promise<WriterName> {
    const name = new WriterName();
    await once(name.#server.listen(0, '127.0.0.1'), 'listening');
    name.port = (name.#server.address() as AddressInfo).port;
    return name;
  }

  #join(near: Socket): void {
    this.joins += 1;
    if (this.target === null) {
      near.destroy();
      return;
    }
    const far = connect(this.target, '127.0.0.1');
    const cut = (): void => {
      near.destroy();
      far.destroy();
    };
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#ends.add(from);
      from.on('error', cut).on('close', cut);
      from.on('data', (bytes) => this.swallows || to.write(bytes));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of this.#ends) end.destroy();
    this.#server.close();
  }
}

/** The same empty table on both servers. */
async function makeTables(): Promise<{ name: string; direct: Database[] }> {
  const direct = await Promise.all(servers.map((each) => each.createDatabase()));
  const names = await Promise.all(
    direct.map((each) => each.query<{ name: string }>('select current_database() as name')),
  );
  const [name, other] = names.map(([row]) => row?.name ?? '');
  if (name === undefined || name !== other) throw new Error('the servers number alike');
  for (const each of direct) await each.query('create table sold (id int primary key)');
  return { name, direct };
}

const idsIn = async (database: Database | undefined): Promise<number[]> =>
  ((await database?.query<{ id: number }>('select id from sold order by id')) ?? []).map(
    ({ id }) => id,
  );

const caught = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );

interface Opened extends AsyncDisposable {
  readonly database: Database;
  /** From now on this server leads. */
  lead(server: number): void;
}

type Open = (database: string) => Promise<Opened>;

const openPublished: Open = async (database) => {
  const directory = new StaticDirectory(emptyCluster);
  const login = { database, user: 'postgres', password: '', connectionsMax: 2 };
  const opened = openDatabase({ directory, ...login });
  let epoch = 0;
  return {
    database: opened,
    lead: (server) => {
      epoch += 1;
      const port = servers[server]?.port ?? 0;
      const leader = { id: `pg-${server}`, host: '127.0.0.1', port };
      directory.set({ ...emptyCluster, epoch, database: { leader, followers: [] } });
    },
    [Symbol.asyncDispose]: () => opened.close(),
  };
};

async function openByName(name: WriterName, database: string): Promise<Database> {
  return openDatabase({
    directory: new StaticDirectory(emptyCluster),
    url: `postgres://postgres@127.0.0.1:${name.port}/${database}`,
    database: 'not-this-one',
    password: '',
    connectionsMax: 2,
  });
}

const openNamed: Open = async (database) => {
  const name = await WriterName.open();
  const opened = await openByName(name, database);
  return {
    database: opened,
    lead: (server) => {
      name.target = servers[server]?.port ?? null;
    },
    [Symbol.asyncDispose]: async () => {
      await opened.close();
      await name[Symbol.asyncDispose]();
    },
  };
};

describe.each([
  ['published', openPublished],
  ['named by a connection string', openNamed],
] as const)('a leader that is %s', (_kind, open) => {
  it('is waited for, and sold on', async () => {
    const { name, direct } = await makeTables();
    await using shop = await open(name);
    const sale = shop.database.query('insert into sold values (1)');
    shop.lead(0);
    await sale;
    expect(await idsIn(direct[0])).toEqual([1]);
  });

  it('is followed by another, with another epoch: nothing goes to both', async () => {
    const { name, direct } = await makeTables();
    await using shop = await open(name);
    shop.lead(0);
    const { database } = shop;
    await database.query('insert into sold values (1)');
    const { epoch } = database;
    const running = caught(database.query('insert into sold select 2 from pg_sleep(3600)'));
    const sleeping = `select 1 from pg_stat_activity where wait_event = 'PgSleep'`;
    while ((await direct[0]?.query(sleeping))?.length === 0);
    shop.lead(1);
    await database.query('insert into sold values (3)');
    expect(await running).toBeInstanceOf(UnknownOutcome);
    expect(database.epoch).not.toBe(epoch);
    expect(await idsIn(direct[0])).toEqual([1]);
    expect(await idsIn(direct[1])).toEqual([3]);
  });
});

describe('a leader that is named by a connection string', () => {
  const portOf = (server: number): number => servers[server]?.port ?? 0;

  it('needs a connection string that can be read, and does not show its password', () => {
    const directory = new StaticDirectory(emptyCluster);
    const open = (url: string) => () =>
      openDatabase({ directory, url, database: 'x', password: '' });
    expect(open('postgres://ada:geheim@name:port/x')).toThrow(/^DATABASE_URL must be like/);
    expect(open('https://ada:geheim@name/x')).toThrow(/^(?!.*geheim)DATABASE_URL must be like/);
  });

  it('is no standby: one that the name leads to is left, and the name tried again', async () => {
    const { name, direct } = await makeTables();
    await direct[0]?.query(`create function pg_is_in_recovery() returns boolean
      language sql as 'select true'`);
    await direct[0]?.query(`alter database ${name} set search_path = public, pg_catalog`);
    await using writer = await WriterName.open();
    writer.target = portOf(0);
    const database = await openByName(writer, name);
    const sale = database.query('insert into sold values (1)');
    await vi.waitUntil(() => writer.joins > 1);
    writer.target = portOf(1);
    await sale;
    expect(await idsIn(direct[0])).toEqual([]);
    expect(await idsIn(direct[1])).toEqual([1]);
    await database.close();
  });

  it('leaves no connection in the pool that refuses writes', async () => {
    const { name, direct } = await makeTables();
    await using writer = await WriterName.open();
    writer.target = portOf(0);
    const database = await openByName(writer, name);
    await database.query('set default_transaction_read_only = on');
    const refused = await caught(database.query('insert into sold values (1)'));
    expect(refused).toMatchObject({ code: '25006' });
    await database.query('insert into sold values (2)');
    expect(await idsIn(direct[0])).toEqual([2]);
    await database.close();
  });

  it('that falls silent is left: what it had is unknown, what comes goes to the next', async () => {
    const { name, direct } = await makeTables();
    await using writer = await WriterName.open();
    writer.target = portOf(0);
    const database = await openByName(writer, name);
    await database.query('insert into sold values (1)');
    writer.swallows = true;
    const unanswered = caught(database.query('insert into sold values (2)'));
    expect(await unanswered).toBeInstanceOf(UnknownOutcome); // after some 7 s
    writer.swallows = false;
    writer.target = portOf(1);
    await database.query('insert into sold values (3)');
    expect(await idsIn(direct[1])).toEqual([3]);
    await database.close();
  });
});
