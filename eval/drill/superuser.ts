/** Statements as the databases' superuser, at any node: the drill trusts only its own reads. */
import pg from 'pg';
import type { DatabaseNode } from '../../src/kit/cluster/directory.ts';
import { type InternalTls, readIdentity, sslOf } from '../../src/kit/cluster/internal-tls.ts';
import type { RunningShop } from '../cluster/running-shop.ts';

const connectMsMax = 3_000;
const statementMsMax = 120_000;

pg.types.setTypeParser(pg.types.builtins.INT8, Number);

/** What a superuser needs to connect. */
export interface SuperuserAccess {
  readonly password: string;
  /** Null where connections inside the shop are plain. */
  readonly tls: InternalTls | null;
}

export interface Superuser {
  query<R>(text: string, values?: readonly unknown[]): Promise<R[]>;
}

/** Of a shop that runs here. */
export function superuserAccess(shop: RunningShop): SuperuserAccess {
  const { tlsFolder } = shop.cluster();
  return {
    password: shop.secrets().databasePasswords['postgres'] ?? '',
    tls: tlsFolder === undefined ? null : readIdentity(tlsFolder),
  };
}

/** Opens a connection for some work and closes it whatever happens. */
export async function asSuperuser<T>(
  { host, port }: Pick<DatabaseNode, 'host' | 'port'>,
  database: string,
  { password, tls }: SuperuserAccess,
  work: (superuser: Superuser) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({
    host,
    port,
    database,
    password,
    ssl: sslOf(tls),
    user: 'postgres',
    application_name: 'drill',
    connectionTimeoutMillis: connectMsMax,
    query_timeout: statementMsMax,
  });
  client.on('error', () => {}); // whatever is pending rejects by itself
  await client.connect();
  try {
    return await work({
      query: async <R>(text: string, values: readonly unknown[] = []) =>
        (await client.query(text, [...values])).rows as R[],
    });
  } finally {
    await client.end().catch(() => {});
  }
}
