/** Brings a service's database to its newest schema when the service starts. */
import Postgrator from 'postgrator';
import type { Database } from './postgres.ts';

/** Key of an advisory lock (any constant): one instance migrates a database at a time. */
const migrationLock = 7_301_954;

/**
 * Migrations are append-only files `NNNN.do.<name>.sql` in `folder`. Several instances may call it
 * at once.
 */
export async function migrate(database: Database, folder: string): Promise<void> {
  await database.transaction(async (sql) => {
    await sql.query(`select pg_advisory_xact_lock(${migrationLock})`);
    const postgrator = new Postgrator({
      migrationPattern: `${folder}/*.do.*.sql`,
      driver: 'pg',
      schemaTable: 'schema_version',
      execQuery: async (query) => ({ rows: ((await sql.query(query)) ?? []) as never[] }),
    });
    await postgrator.migrate();
  });
}
