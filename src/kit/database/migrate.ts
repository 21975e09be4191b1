import Postgrator from 'postgrator';
import type { Database } from './postgres.ts';

/** Any constant: one migration of a database at a time, whichever instance begins first. */
const migrationLock = 7_301_954;

/**
 * Brings a service's database to its newest schema. Migrations are append-only files
 * `NNNN.do.<name>.sql` in `folder`. Safe to call from several instances at once.
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
