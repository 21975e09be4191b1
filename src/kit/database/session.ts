/** What every new connection asks its server and sets there. */
import type { ClientBase, QueryConfig } from 'pg';

/**
 * Bounds of every session. They go by SQL and not with the connection's start, so that a pooler
 * such as PgBouncer (in session mode) need not know them. The TCP ones end the session of a service
 * whose machine was cut off, and with it the row locks that it holds.
 */
const bounds: Readonly<Record<string, string>> = {
  statement_timeout: '300s',
  idle_in_transaction_session_timeout: '10s',
  tcp_keepalives_idle: '5',
  tcp_keepalives_interval: '2',
  tcp_keepalives_count: '3',
  tcp_user_timeout: '10s',
};

const answerMsMax = 2_000;

export interface ServerIdentity {
  /** When the server was started, in microseconds since 1970: no two have the same. */
  readonly startedAt: number;
}

/** The server that was reached takes no writes, or is another one than the leader so far. */
export class NotTheLeader extends Error {
  override readonly name = 'NotTheLeader';
}

const sessionSql = `
  select pg_is_in_recovery() as "isStandby",
    (extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint as "startedAt",
    (select count(set_config(key, value, false)) from json_each_text($1)) as "settings"`;

/** `settings`: added to the bounds, e.g. `enable_seqscan: 'off'`. Throws NotTheLeader. */
export async function beginSession(
  client: ClientBase,
  settings: Readonly<Record<string, string>>,
): Promise<ServerIdentity> {
  const values = [JSON.stringify({ ...bounds, ...settings })];
  const query: QueryConfig & { query_timeout: number } = {
    text: sessionSql,
    values,
    query_timeout: answerMsMax,
  };
  const { rows } = await client.query(query);
  const { isStandby, startedAt } = rows[0];
  if (isStandby) throw new NotTheLeader('the server that was reached is a standby');
  return { startedAt: Number(startedAt) };
}

/** Ends a connection without a goodbye, which a silent server would never answer. */
export function cut(client: ClientBase): void {
  const { connection } = client as unknown as { connection: { stream: { destroy(): void } } };
  connection.stream.destroy();
}
