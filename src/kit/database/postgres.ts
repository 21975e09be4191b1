/**
 * A service's own database: a pool of connections to the current leader (leader.ts).
 *
 * Modes: *connected* (a pool to the leader) and *leaderless* (there is none, or it takes no
 * connections: callers wait up to `leaderWaitMsMax`, then get a DatabaseUnavailable). When there is
 * another leader, the old pool is destroyed at once: a commit that still waits for the old leader's
 * quorum must not count.
 *
 * Never: a commit is reported as successful that the quorum did not confirm. This can happen in two
 * ways. A connection breaks during the commit, so the outcome is *unknown*. Or the wait for the
 * quorum is cancelled: then PostgreSQL reports success with only a WARNING. Both throw
 * UnknownOutcome, and the caller asks again by its idempotency key.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Directory } from '../cluster/directory.ts';
import { type Leader, type LeaderLogin, NamedLeader, publishedLeader } from './leader.ts';
import { beginSession, cut, NotTheLeader } from './session.ts';

export type Row = Record<string, unknown>;

export interface Sql {
  /** One statement, prepared once per connection when it has parameters. Resolves to its rows. */
  query<R = Row>(text: string, values?: readonly unknown[]): Promise<R[]>;
}

export interface Database extends Sql {
  /**
   * Runs `work` between begin and commit (READ COMMITTED). Statements are pipelined: `work` need
   * not await each one. `durable: false` lets the commit return before the quorum has confirmed it.
   */
  transaction<T>(work: (sql: Sql) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** Changes with every other leader, as soon as a connection to it was made. */
  readonly epoch: number;
  close(): Promise<void>;
}

export interface TransactionOptions {
  readonly durable?: boolean;
}

export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable';
}

/** The statement may or may not have been committed. Ask again by idempotency key. */
export class UnknownOutcome extends Error {
  override readonly name = 'UnknownOutcome';
}

const leaderWaitMsMax = 5_000;
const connectTimeoutMs = 2_000;
const connectAgainMs = 100;
const idleTimeoutMs = 60_000;
/** So that no connection stays for ever with a server that its name no longer leads to. */
const lifetimeSeconds = 300;
const keepAliveMs = 5_000;
/** Work that takes longer makes us ask whether the leader still answers. */
const silenceMsMax = 3_000;
const watchEveryMs = 2_000;

export interface DatabaseOptions extends LeaderLogin {
  readonly directory: Directory;
  /** Connection string of the writer; null: the directory publishes the leader. */
  readonly url?: string | null;
  /** Connections to the leader. */
  readonly connectionsMax?: number;
  readonly applicationName?: string;
  /** Settings of every session, e.g. `enable_seqscan: 'off'`. */
  readonly settings?: Readonly<Record<string, string>>;
}

pg.types.setTypeParser(pg.types.builtins.INT8, Number);

const statementNames = new Map<string, string>();

function statementName(text: string): string {
  let name = statementNames.get(text);
  if (name === undefined) {
    name = `s${statementNames.size}`;
    statementNames.set(text, name);
  }
  return name;
}

const networkErrors = [
  ...['ECONNRESET', 'EPIPE', 'ECONNREFUSED', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'],
  ...['ENOTFOUND', 'EAI_AGAIN'],
];

/** True where the connection was lost, so that the outcome of a write is unknown. */
export function isConnectionLost(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = (error as { code?: unknown }).code;
  if (typeof code === 'string') {
    if (/^(08|57P0)/.test(code)) return true;
    return networkErrors.includes(code);
  }
  return /Connection terminated|connection error|not queryable|timeout exceeded|read timeout/i.test(
    error.message,
  );
}

const retryable = [UnknownOutcome, DatabaseUnavailable, NotTheLeader];

/** True where a retry may succeed: lost connection, no leader, an old leader that is read-only. */
export function isRetryable(error: unknown): boolean {
  if (retryable.some((kind) => error instanceof kind)) return true;
  const code = (error as { code?: unknown }).code;
  if (typeof code === 'string' && ['25006', '40001', '40P01', '53300'].includes(code)) return true;
  return isConnectionLost(error);
}

interface WatchedClient extends pg.PoolClient {
  quorumDoubt?: boolean;
}

function watchForQuorumWarnings(client: pg.Client): void {
  const watched = client as unknown as WatchedClient;
  client.on('notice', (notice) => {
    if (/synchronous replication/.test(notice.message ?? '')) watched.quorumDoubt = true;
  });
  client.on('error', () => {}); // the pool removes it; pending queries reject by themselves
}

async function run<R>(
  client: WatchedClient,
  text: string,
  values: readonly unknown[] | undefined,
): Promise<pg.QueryResult> {
  const result =
    values === undefined
      ? await client.query(text)
      : await client.query({ name: statementName(text), text, values: values as unknown[] });
  if (client.quorumDoubt === true) {
    throw new UnknownOutcome('the wait for the replication quorum was cancelled');
  }
  return result as pg.QueryResult & { rows: R[] };
}

function asUnknown(error: unknown): unknown {
  if (error instanceof UnknownOutcome || !isConnectionLost(error)) return error;
  return new UnknownOutcome(`connection lost: ${(error as Error).message}`, { cause: error });
}

/** Nothing was sent yet, so it is safe to connect again. */
function mayConnectLater(error: unknown): boolean {
  if (error instanceof NotTheLeader) return true;
  const { code, message } = error as { code?: unknown; message: string };
  const isPoolFull = /timeout exceeded/.test(message);
  return code === '53300' || (isConnectionLost(error) && !isPoolFull);
}

async function runTransaction<T>(
  client: WatchedClient,
  work: (sql: Sql) => Promise<T>,
  durable: boolean,
): Promise<T> {
  const begun = client.query(durable ? 'begin' : 'begin; set local synchronous_commit = off');
  begun.catch(() => {}); // the statements after it report the same error
  const sql: Sql = {
    query: async (text, values) => (await run(client, text, values)).rows,
  };
  let result: T;
  try {
    result = await work(sql);
    await begun;
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
  const committed = await run(client, 'commit', undefined);
  if (committed.command === 'ROLLBACK') throw new Error('commit was answered with a rollback');
  return result;
}

function openPool(options: DatabaseOptions, leader: Leader, server: pg.ClientConfig): pg.Pool {
  const { applicationName, connectionsMax, database, settings = {} } = options;
  const config = {
    ...server,
    max: connectionsMax ?? 8,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: idleTimeoutMs,
    maxLifetimeSeconds: lifetimeSeconds,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveMs,
    application_name: applicationName ?? database,
    pipeline: true,
    onConnect: async (client: pg.ClientBase) => {
      try {
        const identity = await beginSession(client, settings);
        if (!leader.reached(identity)) throw new NotTheLeader('another server is the leader');
      } catch (error) {
        cut(client);
        throw error;
      }
    },
  };
  const pool = new pg.Pool(config as pg.PoolConfig);
  pool.on('error', () => {});
  pool.on('connect', (client) => watchForQuorumWarnings(client as unknown as pg.Client));
  return pool;
}

function openLeader({ url = null, directory, ...login }: DatabaseOptions): Leader {
  return url === null ? publishedLeader(directory, login) : new NamedLeader(url, login);
}

export function openDatabase(options: DatabaseOptions): Database {
  const { database } = options;
  const leader = openLeader(options);
  const waiting = new Set<() => void>();
  const since = new Map<WatchedClient, number>();
  let connected: { key: string; pool: pg.Pool } | null = null;
  let closed = false;

  const followLeader = (): void => {
    const server = leader.current;
    if (closed || server?.key === connected?.key) return;
    if (connected !== null) destroyPool(connected.pool);
    connected = null;
    if (server === null) return;
    connected = { key: server.key, pool: openPool(options, leader, server.connection) };
    for (const resume of waiting) resume();
    waiting.clear();
  };
  const unfollow = leader.onChange(followLeader);
  followLeader();
  const watch = setInterval(() => {
    const silentBefore = performance.now() - silenceMsMax;
    for (const begun of since.values()) if (begun < silentBefore) return leader.doubt();
  }, watchEveryMs).unref();

  const leaderPool = (until: number): Promise<pg.Pool> => {
    if (connected !== null) return Promise.resolve(connected.pool);
    return new Promise((resolve, reject) => {
      const resume = (): void => {
        clearTimeout(timer);
        resolve(leaderPool(until));
      };
      const timer = setTimeout(() => {
        waiting.delete(resume);
        reject(new DatabaseUnavailable(`${database}: no leader is published`));
      }, until - performance.now());
      waiting.add(resume);
    });
  };

  const connect = async (): Promise<WatchedClient> => {
    const until = performance.now() + leaderWaitMsMax;
    for (;;) {
      if (closed) throw new DatabaseUnavailable(`${database}: closed`);
      const pool = await leaderPool(until);
      try {
        return await pool.connect();
      } catch (error) {
        const isReplaced = pool !== connected?.pool;
        const hasTime = performance.now() + connectAgainMs < until;
        if (!hasTime || !(isReplaced || mayConnectLater(error))) throw error;
        if (!isReplaced) await sleep(connectAgainMs);
      }
    }
  };

  const withClient = async <T>(work: (client: WatchedClient) => Promise<T>): Promise<T> => {
    const client = await connect();
    since.set(client, performance.now());
    try {
      const result = await work(client);
      client.release();
      return result;
    } catch (error) {
      const isReadOnly = (error as { code?: unknown }).code === '25006';
      if (isReadOnly) leader.doubt();
      client.release(isReadOnly || isConnectionLost(error) || error instanceof UnknownOutcome);
      throw asUnknown(error);
    } finally {
      since.delete(client);
    }
  };

  return {
    query: <R>(text: string, values?: readonly unknown[]) =>
      withClient(async (client) => (await run(client, text, values)).rows as R[]),
    transaction: (work, { durable = true } = {}) =>
      withClient((client) => runTransaction(client, work, durable)),
    get epoch() {
      return leader.epoch;
    },
    close: async () => {
      closed = true;
      clearInterval(watch);
      unfollow();
      await connected?.pool.end();
    },
  };
}

/** Ends a pool whose server is fenced: pending queries reject at once. */
function destroyPool(pool: pg.Pool): void {
  for (const client of [...(pool as unknown as { _clients: pg.Client[] })._clients]) cut(client);
  pool.end().catch(() => {});
}
