/** Opens the database of a service, as its configuration says, at its newest schema. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Directory } from '../cluster/directory.ts';
import type { ServiceConfig } from '../cluster/service-config.ts';
import type { Log } from '../log.ts';
import { migrate } from './migrate.ts';
import { type Database, type DatabaseOptions, isRetryable, openDatabase } from './postgres.ts';

const retryMs = 1_000;
/** Shorter than a probe waits (dns-directory.ts, Kubernetes). */
const readinessMsMax = 500;

export interface OwnDatabase
  extends Required<Pick<DatabaseOptions, 'database' | 'connectionsMax'>>,
    Pick<DatabaseOptions, 'settings'> {
  /** Folder of its migrations; absent: another role makes them. */
  readonly migrations?: string;
}

export function openOwnDatabase(
  { connectionsMax, migrations: _, ...own }: OwnDatabase,
  config: ServiceConfig,
  directory: Directory,
): Database {
  return openDatabase({
    ...own,
    directory,
    url: config.databaseUrl,
    password: config.databasePassword,
    tls: config.tls,
    applicationName: config.id,
    connectionsMax: config.databaseConnectionsMax ?? connectionsMax,
  });
}

/** Waits for a database that others run. Where the supervisor runs it, it is there by now. */
export async function migrateWhenReached(
  database: Database,
  folder: string,
  { databaseUrl }: ServiceConfig,
  log: Log,
): Promise<void> {
  for (;;) {
    try {
      return await migrate(database, folder);
    } catch (error) {
      if (databaseUrl === null || !isRetryable(error)) throw error;
      log.warn({ err: error }, 'the database cannot be reached yet');
      await sleep(retryMs);
    }
  }
}

/** Returns a check of why work in this database is not possible now. Many may ask at once. */
export function databaseCheck(database: Database): () => Promise<string[]> {
  let asked: Promise<string[]> | null = null;
  const ask = async (): Promise<string[]> => {
    try {
      await database.query('select 1');
      return [];
    } catch (error) {
      return [`database: ${(error as Error).message}`];
    } finally {
      asked = null;
    }
  };
  return () => {
    asked ??= ask();
    return Promise.race([asked, sleep(readinessMsMax, ['database: it does not answer'])]);
  };
}
