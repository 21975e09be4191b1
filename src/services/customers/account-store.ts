/** Accounts in PostgreSQL. E-mail addresses are unique without regard to case. */

import type { Sql } from '../../kit/database/postgres.ts';
import type { Role } from '../../kit/http/principal.ts';

export interface Account {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  readonly created_at: Date;
}

export interface SecretAccount extends Account {
  readonly password_hash: string;
  /** The e-mail address as the database compares it. */
  readonly address: string;
}

const columns = 'id, email, name, role, created_at';

export interface NewAccount {
  readonly email: string;
  readonly name: string;
  readonly passwordHash: string;
  readonly role: Role;
}

const createSql = `
insert into customers (email, name, password_hash, role) values ($1, $2, $3, $4)
on conflict (lower(email)) do nothing
returning ${columns}`;

/** Null where the e-mail address is taken. */
export async function createAccount(sql: Sql, account: NewAccount): Promise<Account | null> {
  const { email, name, passwordHash, role } = account;
  const [created] = await sql.query<Account>(createSql, [email, name, passwordHash, role]);
  return created ?? null;
}

const byEmailSql = `
select ${columns}, password_hash, asked.address
from (select lower($1::text) as address) as asked
left join customers on lower(email) = lower($1::text)`;

/** The account, or null, with the e-mail address as the database compares it. */
export async function findByEmail(
  sql: Sql,
  email: string,
): Promise<{ readonly address: string; readonly account: SecretAccount | null }> {
  const [found] = await sql.query<SecretAccount & { readonly id: string | null }>(byEmailSql, [
    email,
  ]);
  if (found === undefined) throw new Error('a left join has at least one row');
  return { address: found.address, account: found.id === null ? null : found };
}

const byIdSql = `
select ${columns}, password_hash, lower(email) as address
from customers where id = $1 and erased_at is null`;

export async function findById(sql: Sql, id: string): Promise<SecretAccount | null> {
  const [found] = await sql.query<SecretAccount>(byIdSql, [id]);
  return found ?? null;
}

const emailsSql = `
select id, email from customers where id = any($1::uuid[]) and erased_at is null`;

/** E-mail addresses by id; who was erased is missing. */
export async function emailsOf(
  sql: Sql,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await sql.query<Pick<Account, 'id' | 'email'>>(emailsSql, [ids]);
  return new Map(rows.map(({ id, email }) => [id, email]));
}

export interface AccountChange {
  readonly name?: string | undefined;
  readonly email?: string | undefined;
  readonly passwordHash?: string | undefined;
}

const changeSql = `
update customers set
  name = coalesce($2, name),
  email = coalesce($3, email),
  password_hash = coalesce($4, password_hash)
where id = $1 and erased_at is null
returning ${columns}`;

/** Null where there is no such account. A taken e-mail address: PostgreSQL's unique violation. */
export async function changeAccount(
  sql: Sql,
  id: string,
  { name, email, passwordHash }: AccountChange,
): Promise<Account | null> {
  const values = [id, name ?? null, email ?? null, passwordHash ?? null];
  const [changed] = await sql.query<Account>(changeSql, values);
  return changed ?? null;
}

/** Whether an error is PostgreSQL's unique violation. */
export function isTaken(error: unknown): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === '23505';
}

const lockSql = `
select ${columns} from customers where id = $1 and erased_at is null for update`;

export async function lockAccount(sql: Sql, id: string): Promise<Account | null> {
  const [found] = await sql.query<Account>(lockSql, [id]);
  return found ?? null;
}

export async function setRole(sql: Sql, id: string, role: Role): Promise<void> {
  await sql.query('update customers set role = $2 where id = $1', [id, role]);
}

const blankSql = `
update customers
set email = null, name = '', password_hash = null, role = 'customer', erased_at = now()
where id = $1 and erased_at is null`;

export async function blankAccount(sql: Sql, id: string): Promise<void> {
  await sql.query(blankSql, [id]);
}

const listSql = `
select ${columns} from customers
where erased_at is null
  and ($1::uuid is null or id < $1)
  and ($2::text is null or email ilike $2 or name ilike $2)
order by id desc
limit $3`;

export interface AccountFilter {
  /** Id of the last account of the page before. */
  readonly after: string | null;
  /** Part of the e-mail address or name. */
  readonly search: string | null;
  readonly limit: number;
}

/** Newest first: ids grow with time. */
export function listAccounts(sql: Sql, filter: AccountFilter): Promise<Account[]> {
  const { after, search, limit } = filter;
  const pattern = search === null ? null : `%${search.replaceAll(/[\\%_]/g, '\\$&')}%`;
  return sql.query<Account>(listSql, [after, pattern, limit]);
}
