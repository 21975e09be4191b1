/** Brings a service's database to its newest schema when the service starts. */
import Postgrator from 'postgrator';
import type { Database } from './postgres.ts';

/** Key of an advisory lock (any constant): one instance migrates a database at a time. */
const migrationLock = 7_301_954;

/** PostgreSQL has it from version 18 on (RFC 9562: milliseconds since 1970, then chance). */
const uuidv7Sql = `
  do $do$ begin
    if current_setting('server_version_num')::int < 180000
      and to_regprocedure('uuidv7(interval)') is null
    then
      create function uuidv7(shift interval default '0') returns uuid language sql volatile as $$
        select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing
          substring(int8send(floor(extract(epoch from clock_timestamp() + shift) * 1000)::bigint)
            from 3) from 1 for 6), 52, 1), 53, 1), 'hex')::uuid
      $$;
    end if;
  end $do$`;

/**
 * Migrations are append-only files `NNNN.do.<name>.sql` in `folder`. Several instances may call it
 * at once.
 */
export async function migrate(database: Database, folder: string): Promise<void> {
  await database.transaction(async (sql) => {
    await sql.query('set local statement_timeout = 0');
    await sql.query(`select pg_advisory_xact_lock(${migrationLock})`);
    await sql.query(uuidv7Sql);
    const postgrator = new Postgrator({
      migrationPattern: `${folder}/*.do.*.sql`,
      driver: 'pg',
      schemaTable: 'schema_version',
      execQuery: async (query) => ({ rows: ((await sql.query(query)) ?? []) as never[] }),
    });
    await postgrator.migrate();
  });
}
