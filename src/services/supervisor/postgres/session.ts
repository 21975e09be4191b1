/**
 * A superuser's connection to one node with a deadline on everything. When a deadline passes, the
 * socket is cut. The statement is not cancelled: cancelling one that waits for the quorum would
 * make PostgreSQL report success.
 */
import pg from 'pg';
import { type InternalTls, sslOf } from '../../../kit/cluster/internal-tls.ts';

export interface SessionOptions {
  readonly port: number;
  readonly tls: InternalTls | null;
  readonly password: string;
  readonly user?: string;
  readonly database?: string;
  readonly name: string;
}

export class DeadlinePassed extends Error {
  override readonly name = 'DeadlinePassed';
}

export class Session {
  readonly #client: pg.Client;
  #isOpen = false;
  #isQuorumDoubtful = false;

  constructor({ port, tls, password, user, database, name }: SessionOptions) {
    this.#client = new pg.Client({
      host: '127.0.0.1',
      port,
      ssl: sslOf(tls),
      user: user ?? 'postgres',
      password,
      database: database ?? 'postgres',
      application_name: name,
    });
    this.#client.on('error', () => this.cut());
    this.#client.on('end', () => {
      this.#isOpen = false;
    });
    this.#client.on('notice', ({ message }) => {
      if (/synchronous replication/.test(message ?? '')) this.#isQuorumDoubtful = true;
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  async open(deadlineMs: number): Promise<this> {
    await this.#within(deadlineMs, this.#client.connect());
    this.#isOpen = true;
    return this;
  }

  /** Infinity waits as long as it takes. */
  async query<R>(text: string, values: readonly unknown[], deadlineMs: number): Promise<R[]> {
    const asked = this.#client.query(text, values as unknown[]);
    const { rows } = (await this.#within(deadlineMs, asked)) as pg.QueryResult;
    // Someone cancelled the wait for the quorum: PostgreSQL calls that a success, with a warning.
    if (this.#isQuorumDoubtful) throw new Error('the wait for the quorum was cancelled');
    return rows as R[];
  }

  /** Several statements at once, without parameters. */
  async run(text: string, deadlineMs: number): Promise<void> {
    await this.#within(deadlineMs, this.#client.query(text));
  }

  cut(): void {
    this.#isOpen = false;
    const { connection } = this.#client as unknown as {
      connection: { stream: { destroy(): void } };
    };
    connection.stream.destroy();
  }

  async #within<T>(deadlineMs: number, work: Promise<T>): Promise<T> {
    if (deadlineMs === Number.POSITIVE_INFINITY) return work;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        work.catch(() => {}); // rejects when the socket is cut; the deadline is what is reported
        this.cut();
        reject(new DeadlinePassed(`no answer within ${deadlineMs} ms`));
      }, deadlineMs);
    });
    return Promise.race([work, late]).finally(() => clearTimeout(timer));
  }
}

/** Opens a session for some work and closes it whatever happens. */
export async function withSession<T>(
  options: SessionOptions,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await new Session(options).open(3_000);
  try {
    return await work(session);
  } finally {
    session.cut();
  }
}
