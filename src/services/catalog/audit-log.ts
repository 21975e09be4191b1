/** Who changed what in the catalogue. Entries are written in the transaction that they tell of. */
import type { Sql } from '../../kit/database/postgres.ts';
import { jsonText } from './json-text.ts';

export interface AuditRecord {
  /** The e-mail address of who did it. */
  readonly actor: string;
  /** e.g. `product.updated` */
  readonly action: string;
  readonly subject: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface StoredAuditEntry extends AuditRecord {
  readonly id: string;
  readonly at: string;
}

export async function addAuditEntry(sql: Sql, entry: AuditRecord): Promise<void> {
  await sql.query(
    'insert into audit_log (actor, action, subject, detail) values ($1, $2, $3, $4)',
    [entry.actor, entry.action, entry.subject, jsonText(entry.detail)],
  );
}

const newestSql = `
select id::text, at, actor, action, subject, detail from audit_log
where at < $1 order by at desc, id desc limit $2`;

/** Newest first, older than `before`. */
export async function listAuditEntries(
  sql: Sql,
  before: Date,
  limit: number,
): Promise<StoredAuditEntry[]> {
  const rows = await sql.query<StoredAuditEntry & { at: Date }>(newestSql, [before, limit]);
  return rows.map((row) => ({ ...row, at: row.at.toISOString() }));
}
