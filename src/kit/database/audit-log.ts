/**
 * Records who changed what, in a service's own database (table `audit_log`): one implementation for
 * all services. The actor is an account's id. The reader of the log looks up the name, so the name
 * is gone from the log once the account is erased.
 */
import { jsonText } from './json-text.ts';
import type { Sql } from './postgres.ts';

export interface NewAuditEntry {
  readonly actor: string;
  /** e.g. `product.updated` */
  readonly action: string;
  readonly subject: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}

export interface StoredAuditEntry extends Required<NewAuditEntry> {
  readonly id: string;
  readonly at: string;
}

export class AuditLog {
  readonly #addSql: string;
  readonly #listSql: string;

  /** `actorColumn`: its name in the service's table. */
  constructor(actorColumn: 'actor' | 'actor_id' = 'actor') {
    this.#addSql = `
      insert into audit_log (${actorColumn}, action, subject, detail) values ($1, $2, $3, $4)`;
    this.#listSql = `
      select id::text, at, ${actorColumn}::text as actor, action, subject, detail from audit_log
      where at < $1 order by at desc, id desc limit $2`;
  }

  /** Call it in the transaction that makes the change. */
  async add(sql: Sql, { actor, action, subject, detail = {} }: NewAuditEntry): Promise<void> {
    await sql.query(this.#addSql, [actor, action, subject, jsonText(detail)]);
  }

  /** Newest first, older than `before`. */
  async list(sql: Sql, before: Date, limit: number): Promise<StoredAuditEntry[]> {
    const rows = await sql.query<StoredAuditEntry & { at: Date }>(this.#listSql, [before, limit]);
    return rows.map((row) => ({ ...row, at: row.at.toISOString() }));
  }
}
