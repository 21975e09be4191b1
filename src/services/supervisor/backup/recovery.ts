/**
 * Makes copied data consistent: PostgreSQL runs on it once, alone, replays the log that lies in its
 * `pg_wal`, and is stopped in order. What it cannot start from is known before the shop is.
 */
import { chownSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../../kit/http/free-port.ts';
import { findBinaries } from '../postgres/binaries.ts';
import { PostgresNode } from '../postgres/node.ts';
import { type SessionOptions, withSession } from '../postgres/session.ts';
import type { Account } from '../postgres/system-user.ts';

/** A time as ISO 8601, or the end of the log. */
export type RecoveryPoint = { readonly time: string } | 'latest';

/** Throws a sentence. A time without a zone is one of this machine. */
export function recoveryPoint(text: string): RecoveryPoint {
  if (text === 'latest') return text;
  const time = new Date(text);
  const hasZone = /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(text); // keeps its microseconds
  if (!Number.isNaN(time.getTime())) return { time: hasZone ? text : time.toISOString() };
  throw new Error(`"${text}" is no time: write it as 2026-11-27T18:00:00Z, or write latest.`);
}

export interface RecoveryOptions {
  readonly home: string;
  /** Of the node; holds `data`. */
  readonly folder: string;
  readonly account: Account | null;
  readonly password: string;
  /** Null: as far as the backup itself goes. */
  readonly until: RecoveryPoint | null;
  /** Done while the recovered database runs. */
  readonly onRecovered: (access: SessionOptions) => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

const pollMs = 50;
const answerMs = 2_000;
/** It writes everything that it replayed. */
const stopMsMax = 10 * 60_000;

/** Throws PostgreSQL's own reason where it does not get there. */
export async function recover(options: RecoveryOptions): Promise<void> {
  const { home, folder, account, password, until, signal } = options;
  const node = new PostgresNode({
    id: path.basename(folder),
    folder,
    port: await freePort(),
    account,
    binaries: findBinaries(account, home),
    logFile: path.join(home, 'logs', `${path.basename(folder)}.log`),
    replicatorPassword: '',
    tls: null,
    settings: { synchronous_standby_names: '', ...recoverySettings(until) },
    linkPorts: new Map(),
  });
  if (until !== null) {
    const file = path.join(node.dataFolder, 'recovery.signal');
    writeFileSync(file, '', { mode: 0o600 });
    if (account !== null) chownSync(file, account.uid, account.gid);
  }
  try {
    await node.start(null, [], true);
    while (!(await isRecovered(node, password))) {
      signal?.throwIfAborted();
      if (node.running === null) throw new Error(reasonOf(node, until));
      await sleep(pollMs);
    }
    await options.onRecovered({ ...node.endpoint, password, name: 'restore' });
    await node.stop(stopMsMax);
  } finally {
    await node.fence();
  }
}

/** All of the log lies in `pg_wal` already: there is nothing to fetch. */
function recoverySettings(until: RecoveryPoint | null): Record<string, string> {
  if (until === null) return {};
  const common = { restore_command: 'false', recovery_target_action: 'promote' };
  // names of zones are not known yet when PostgreSQL reads this
  const time = until === 'latest' ? null : until.time.replace(/Z$/, '+00:00');
  return time === null ? common : { ...common, recovery_target_time: time };
}

async function isRecovered(node: PostgresNode, password: string): Promise<boolean> {
  try {
    return await withSession({ ...node.endpoint, password, name: 'restore' }, async (session) => {
      const question = 'select pg_is_in_recovery() as going_on';
      const [row] = await session.query<{ going_on: boolean }>(question, [], answerMs);
      return row?.going_on === false;
    });
  } catch (error) {
    // 28P01: the passwords of secrets.json are not those of this data
    if ((error as { code?: string }).code === '28P01') throw error;
    return false;
  }
}

function reasonOf(node: PostgresNode, until: RecoveryPoint | null): string {
  const reason = node.failureReason() ?? 'it says nothing';
  if (until !== null && /before configured recovery target/.test(reason)) {
    return 'The archived log ends before that time: choose an earlier one, or --until latest.';
  }
  if (until !== null && /before consistent recovery point/.test(reason)) {
    return 'This backup was not whole at that time yet: take an earlier backup, or a later time.';
  }
  return `PostgreSQL cannot start from this backup: ${reason}`;
}
