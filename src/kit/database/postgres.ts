/**
 * A service's own database: a pool of connections to the current leader.
 *
 * Modes: *connected* (a pool to the published leader) and *leaderless* (callers wait up to
 * `leaderWaitMsMax`, then get a DatabaseUnavailable). When the directory publishes another leader,
 * the old pool is destroyed at once: a commit that still waits for the old leader's quorum must
 * not count.
 *
 * What must never hold: a commit is reported as successful that the quorum did not confirm. This
 * can happen in two ways. A connection breaks during the commit, so the outcome is *unknown*. Or
 * the wait for the quorum is cancelled: then PostgreSQL reports success with only a WARNING. Both
 * throw UnknownOutcome, and the caller asks again by its idempotency key.
 */
import pg from 'pg';
import type { DatabaseNode, Directory } from '../cluster/directory.ts';
import { type InternalTls, sslOf } from '../cluster/internal-tls.ts';

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
const idleTimeoutMs = 60_000;

export interface DatabaseOptions {
  readonly directory: Directory;
  readonly database: string;
  readonly user?: string;
  readonly password: string;
  /** Connections to the leader. */
  readonly connectionsMax?: number;
  readonly applicationName?: string;
  /** Null: no TLS. */
  readonly tls?: InternalTls | null;
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

/** True where the connection was lost, so that the outcome of a write is unknown. */
export function isConnectionLost(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = (error as { code?: unknown }).code;
  if (typeof code === 'string') {
    if (/^(08|57P0)/.test(code)) return true;
    return ['ECONNRESET', 'EPIPE', 'ECONNREFUSED', 'ETIMEDOUT'].includes(code);
  }
  return /Connection terminated|connection error|not queryable|timeout exceeded/i.test(
    error.message,
  );
}

/** True where a retry may succeed: lost connection, no leader, an old leader that is read-only. */
export function isRetryable(error: unknown): boolean {
  if (error instanceof UnknownOutcome || error instanceof DatabaseUnavailable) return true;
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

async function withClient<T>(
  pool: pg.Pool,
  work: (client: WatchedClient) => Promise<T>,
): Promise<T> {
  const client = (await pool.connect()) as WatchedClient;
  try {
    const result = await work(client);
    client.release();
    return result;
  } catch (error) {
    client.release(isConnectionLost(error) || error instanceof UnknownOutcome);
    throw asUnknown(error);
  }
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

function keyOf(node: DatabaseNode, epoch: number): string {
  return `${epoch}:${node.host}:${node.port}`;
}

function poolConfig(options: DatabaseOptions, node: DatabaseNode): pg.PoolConfig {
  const { database, user, password, applicationName, tls, settings = {} } = options;
  const startup = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`);
  return {
    host: node.host,
    port: node.port,
    database,
    user: user ?? database,
    password,
    max: options.connectionsMax ?? 8,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: idleTimeoutMs,
    application_name: applicationName ?? database,
    options: startup.join(' '),
    pipeline: true,
    ssl: sslOf(tls ?? null),
  } as pg.PoolConfig;
}

export function openDatabase(options: DatabaseOptions): Database {
  const { directory, database } = options;
  const waiting = new Set<(pool: pg.Pool) => void>();
  let leader: { key: string; pool: pg.Pool } | null = null;
  let closed = false;

  const openPool = (node: DatabaseNode): pg.Pool => {
    const pool = new pg.Pool(poolConfig(options, node));
    pool.on('error', () => {});
    pool.on('connect', (client) => watchForQuorumWarnings(client as unknown as pg.Client));
    return pool;
  };

  const followLeader = (): void => {
    if (closed) return;
    const { epoch, database: nodes } = directory.current;
    const key = nodes.leader === null ? null : keyOf(nodes.leader, epoch);
    if (key !== (leader?.key ?? null)) {
      if (leader !== null) destroyPool(leader.pool);
      leader = null;
      if (key !== null && nodes.leader !== null) {
        leader = { key, pool: openPool(nodes.leader) };
        for (const resume of waiting) resume(leader.pool);
        waiting.clear();
      }
    }
  };
  const unfollow = directory.onChange(followLeader);
  followLeader();

  const leaderPool = (): Promise<pg.Pool> => {
    if (leader !== null) return Promise.resolve(leader.pool);
    if (closed) return Promise.reject(new DatabaseUnavailable(`${database}: closed`));
    return new Promise((resolve, reject) => {
      const resume = (pool: pg.Pool): void => {
        clearTimeout(timer);
        resolve(pool);
      };
      const timer = setTimeout(() => {
        waiting.delete(resume);
        reject(new DatabaseUnavailable(`${database}: no leader is published`));
      }, leaderWaitMsMax);
      waiting.add(resume);
    });
  };

  return {
    query: async <R>(text: string, values?: readonly unknown[]) =>
      withClient(
        await leaderPool(),
        async (client) => (await run(client, text, values)).rows as R[],
      ),
    transaction: async (work, { durable = true } = {}) =>
      withClient(await leaderPool(), (client) => runTransaction(client, work, durable)),
    close: async () => {
      closed = true;
      unfollow();
      await leader?.pool.end();
    },
  };
}

/** Ends a pool whose server is fenced: pending queries reject at once. */
function destroyPool(pool: pg.Pool): void {
  const clients = (pool as unknown as { _clients: pg.Client[] })._clients;
  for (const client of [...clients]) {
    const { connection } = client as unknown as { connection: { stream: { destroy(): void } } };
    connection.stream.destroy();
  }
  pool.end().catch(() => {});
}
