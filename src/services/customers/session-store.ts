/** Sessions in PostgreSQL: a row lives until the session ends. */
import type { Sql } from '../../kit/database/postgres.ts';
import type { Account } from './account-store.ts';
import { sessionIdleDays } from './session-token.ts';

const lifeSql = `now() + interval '${sessionIdleDays} days'`;

const openSql = `
insert into sessions (customer_id, expires_at) values ($1, ${lifeSql}) returning id`;

/** The new session's id. */
export async function openSession(sql: Sql, customerId: string): Promise<string> {
  const [opened] = await sql.query<{ id: string }>(openSql, [customerId]);
  if (opened === undefined) throw new Error('the session was not opened');
  return opened.id;
}

const findSql = `
select c.id, c.email, c.name, c.role, c.created_at
from sessions s join customers c on c.id = s.customer_id
where s.id = $1 and s.expires_at > now() and c.erased_at is null`;

/** Whose living session it is, or null. */
export async function findSession(sql: Sql, sessionId: string): Promise<Account | null> {
  const [found] = await sql.query<Account>(findSql, [sessionId]);
  return found ?? null;
}

const renewSql = `
update sessions s set renewed_at = now(), expires_at = ${lifeSql}
from customers c
where s.id = $1 and s.expires_at > now() and c.id = s.customer_id and c.erased_at is null
returning c.id, c.email, c.name, c.role, c.created_at`;

/** As `findSession`, and the session lives on from now. */
export async function renewSession(sql: Sql, sessionId: string): Promise<Account | null> {
  const [found] = await sql.query<Account>(renewSql, [sessionId]);
  return found ?? null;
}

export async function endSession(sql: Sql, sessionId: string): Promise<void> {
  await sql.query('delete from sessions where id = $1', [sessionId]);
}

/** Ends all sessions of a customer, but the one to keep. */
export async function endSessions(sql: Sql, customerId: string, kept?: string): Promise<void> {
  const text = 'delete from sessions where customer_id = $1 and id is distinct from $2';
  await sql.query(text, [customerId, kept ?? null]);
}
