/**
 * The leader: the database server that takes writes. Two ways to know it.
 *
 * *Published*: the directory names the server, and an epoch that grows with each failover.
 *
 * *Named*: a connection string leads to whichever server is the writer (the `-rw` service of
 * CloudNativePG, the writer endpoint of RDS, HAProxy). Every new connection resolves the name, and
 * asks the server whether it is a standby and when it started. Another moment is another server,
 * or one that was restarted: its connections and those from before must not be mixed. (The timeline
 * would name a failover too, but Aurora has none.) A server that was cut off sends nothing, not
 * even a reset, so whoever waits for long says so by `doubt`, and the name is tried anew.
 */
import pg from 'pg';
import type { Directory } from '../cluster/directory.ts';
import { type InternalTls, sslOf } from '../cluster/internal-tls.ts';
import { beginSession, cut, type ServerIdentity } from './session.ts';

const checkMsMax = 2_000;

export interface LeaderServer {
  /** Differs for every other server. When it changes, connections to the former one are ended. */
  readonly key: string;
  readonly connection: pg.ClientConfig;
}

export interface Leader {
  /** Null while there is none. */
  readonly current: LeaderServer | null;
  /** Changes with every other leader. */
  readonly epoch: number;
  /** Calls `listener` when `current` has changed. Returns a function that unsubscribes it. */
  onChange(listener: () => void): () => void;
  /** A new connection reached this server. False: it is another one than before, connect anew. */
  reached(server: ServerIdentity): boolean;
  /** The leader does not answer, or refuses writes. */
  doubt(): void;
}

export interface LeaderLogin {
  readonly database: string;
  readonly user?: string;
  readonly password: string;
  /** Null: no TLS, unless the connection string asks for it. */
  readonly tls?: InternalTls | null;
}

export function publishedLeader(directory: Directory, login: LeaderLogin): Leader {
  const { database, user = database, password, tls = null } = login;
  return {
    get current() {
      const { epoch, database: nodes } = directory.current;
      if (nodes.leader === null) return null;
      const { host, port } = nodes.leader;
      const connection = { host, port, database, user, password, ssl: sslOf(tls) };
      return { key: `${epoch}:${host}:${port}`, connection };
    },
    get epoch() {
      return directory.current.epoch;
    },
    onChange: (listener) => directory.onChange(listener),
    reached: () => true,
    doubt: () => {}, // the supervisor watches it, and publishes another
  };
}

/**
 * `url`: `postgres://user:password@name:5432/database`, with `?sslmode=verify-full` and
 * `&sslrootcert=/file.pem` for TLS. What it does not say is taken from `login`.
 */
export class NamedLeader implements Leader {
  readonly #connection: pg.ClientConfig;
  readonly #listeners = new Set<() => void>();
  #generation = 0;
  #startedAt: number | null = null;
  #isChecking = false;

  constructor(url: string, login: LeaderLogin) {
    const { database, user = database, password, tls = null } = login;
    const full = URL.parse(url);
    if (full === null || !/^postgres(ql)?:$/.test(full.protocol)) {
      // the string is not shown: it may hold a password
      throw new Error('DATABASE_URL must be like postgres://user:password@name:5432/database.');
    }
    full.username ||= user;
    full.password ||= password;
    if (full.pathname.length < 2) full.pathname = `/${database}`;
    this.#connection = { connectionString: full.href, ssl: sslOf(tls) };
  }

  get current(): LeaderServer {
    return { key: String(this.#generation), connection: this.#connection };
  }

  get epoch(): number {
    return this.#startedAt ?? 0;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  reached({ startedAt }: ServerIdentity): boolean {
    const isAnother = this.#startedAt !== null && this.#startedAt !== startedAt;
    this.#startedAt = startedAt;
    if (isAnother) this.#startAnew();
    return !isAnother;
  }

  doubt(): void {
    if (this.#isChecking) return;
    this.#isChecking = true;
    void this.#check().then((isThere) => {
      this.#isChecking = false;
      if (!isThere) this.#startAnew();
    });
  }

  /** Whether the name leads to the server that we are connected to, and that takes writes. */
  async #check(): Promise<boolean> {
    const client = new pg.Client({ ...this.#connection, connectionTimeoutMillis: checkMsMax });
    client.on('error', () => {});
    try {
      await client.connect();
      const { startedAt } = await beginSession(client, {});
      return this.#startedAt === null || this.#startedAt === startedAt;
    } catch (error) {
      return (error as { code?: unknown }).code === '53300'; // it has no room, and is there
    } finally {
      cut(client);
    }
  }

  #startAnew(): void {
    this.#generation += 1;
    for (const listener of [...this.#listeners]) listener();
  }
}
