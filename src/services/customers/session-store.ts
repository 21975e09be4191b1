/** Sessions in PostgreSQL: a row lives until the session ends. */
import type { Database, Sql } from '../../kit/database/postgres.ts';
import { sessionIdleDays } from '../../kit/http/cookies.ts';
import type { Account } from './account-store.ts';

const lifeSql = `now() + interval '${sessionIdleDays} days'`;

const openSql = `
insert into sessions (customer_id, expires_at) values ($1, ${lifeSql}) returning id`;

/** The new session's id. */
export async function openSession(sql: Sql, customerId: string): Promise<string> {
  const [opened] = await sql.query<{ id: string }>(openSql, [customerId]);
  if (opened === undefined) throw new Error('the session was not opened');
  return opened.id;
}

const livingSql = `
select s.id as session_id, c.id, c.email, c.name, c.role, c.created_at
from sessions s join customers c on c.id = s.customer_id
where s.id = any($1::uuid[]) and s.expires_at > now() and c.erased_at is null`;

/** Whose the sessions are, by their ids; those that have ended are missing. */
export async function livingSessions(
  sql: Sql,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Account>> {
  const rows = await sql.query<Account & { session_id: string }>(livingSql, [ids]);
  return new Map(rows.map(({ session_id, ...account }) => [session_id, account]));
}

// A row that another instance renews at this moment needs no second renewal.
const renewSql = `
update sessions set renewed_at = now(), expires_at = ${lifeSql}
where id in (
  select id from sessions where id = any($1::uuid[]) and expires_at > now()
  for update skip locked)`;

/**
 * They live on from now. The quorum is not waited for: a lost renewal costs a minute of 30 days.
 */
export async function renewSessions(database: Database, ids: readonly string[]): Promise<void> {
  await database.transaction((sql) => sql.query(renewSql, [ids]), { durable: false });
}

export async function endSession(sql: Sql, sessionId: string): Promise<void> {
  await sql.query('delete from sessions where id = $1', [sessionId]);
}

/** Ends all sessions of a customer, but the one to keep. */
export async function endSessions(sql: Sql, customerId: string, kept?: string): Promise<void> {
  const text = 'delete from sessions where customer_id = $1 and id is distinct from $2';
  await sql.query(text, [customerId, kept ?? null]);
}
