/** This service's own audit log: sign-ins of staff, changes of role, erasures. */
import type { AuditEntry } from '../../api/admin-customer.ts';
import type { Sql } from '../../kit/database/postgres.ts';

type AuditAction =
  | 'session.opened'
  | 'customer.role-changed'
  | 'customer.erased'
  | 'owner.password-changed';

export interface NewAuditEntry {
  readonly actorId: string;
  readonly action: AuditAction;
  readonly subject: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}

const addSql = `
insert into audit_log (actor_id, action, subject, detail) values ($1, $2, $3, $4)`;

export async function addAuditEntry(sql: Sql, entry: NewAuditEntry): Promise<void> {
  const detail = JSON.stringify(entry.detail ?? {});
  await sql.query(addSql, [entry.actorId, entry.action, entry.subject, detail]);
}

const listSql = `
select a.id::text as id, a.at, coalesce(c.email, a.actor_id::text) as actor,
  a.action, a.subject, a.detail
from audit_log a left join customers c on c.id = a.actor_id
where a.at < $1
order by a.at desc, a.id desc
limit $2`;

/** Newest first, older than `before`. */
export async function listAuditEntries(
  sql: Sql,
  before: Date,
  limit: number,
): Promise<AuditEntry[]> {
  const rows = await sql.query<Omit<AuditEntry, 'at'> & { at: Date }>(listSql, [before, limit]);
  return rows.map((row) => ({ ...row, at: row.at.toISOString() }));
}
