/**
 * A backup of the whole shop while it sells: one physical copy of the leader, so that catalogue,
 * customers and orders are all of the same instant, together with the log that makes the copy
 * consistent and the secrets without which nobody could sign in or open an order's link.
 *
 * The folder is whole once `backup.json` is in it: that is written last.
 */
import { chmod, copyFile, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { ClusterState } from '../../../kit/cluster/directory.ts';
import { clusterFile } from '../../../kit/cluster/file-directory.ts';
import { readIdentity } from '../../../kit/cluster/internal-tls.ts';
import { type CopyProgress, copyRunning } from '../postgres/copy.ts';
import { type Session, withSession } from '../postgres/session.ts';
import { syncNow } from '../postgres/sync-folder.ts';
import { replaceFile } from '../stored-file.ts';

export const manifestName = 'backup.json';
const deadlineMs = 10_000;

export interface BackupManifest {
  readonly format: 1;
  readonly at: string;
  readonly epoch: number;
  /** The shop as it was at this place of the log, or a moment later. */
  readonly lsn: string;
  readonly postgresVersion: number;
}

export interface BackupOptions {
  /** Of a shop that runs. */
  readonly home: string;
  /** Does not exist yet, or is empty. */
  readonly target: string;
  readonly now: Date;
  readonly onProgress?: (progress: CopyProgress) => void;
}

export async function backUp(options: BackupOptions): Promise<BackupManifest> {
  const { home, target, now } = options;
  const { leader, epoch, tls } = await findLeader(home);
  const secretsFile = path.join(home, 'secrets.json');
  const secrets = JSON.parse(await readFile(secretsFile, 'utf8'));
  await makeEmptyFolder(target);
  const password = secrets.databasePasswords.postgres;
  const source = path.join(home, 'pg', leader.id, 'data');
  const data = path.join(target, 'data');
  const access = { port: leader.port, tls, password, name: 'backup' };
  const manifest = await withSession(access, async (session) => {
    await keepLog(session);
    const { lsn, firstSegment } = await copyRunning(session, source, data, null, (progress) =>
      options.onProgress?.(progress),
    );
    await copyLog(session, source, data, firstSegment, lsn);
    return { format: 1, at: now.toISOString(), epoch, lsn, ...(await version(session)) } as const;
  });
  await copyFile(secretsFile, path.join(target, 'secrets.json'));
  await chmod(path.join(target, 'secrets.json'), 0o600);
  await syncNow(target);
  replaceFile(path.join(target, manifestName), `${JSON.stringify(manifest, null, 2)}\n`, 0o600);
  return manifest;
}

async function findLeader(home: string) {
  let state: ClusterState;
  try {
    state = JSON.parse(await readFile(clusterFile(home), 'utf8'));
  } catch {
    throw new Error(`No shop has been started in ${home}.`);
  }
  const { leader } = state.database;
  if (leader === null) throw new Error('The shop does not run: start it, then make the backup.');
  const tls = state.tlsFolder === undefined ? null : readIdentity(state.tlsFolder);
  return { leader, epoch: state.epoch, tls };
}

async function makeEmptyFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const found = await readdir(folder);
  if (found.length > 0) throw new Error(`${folder} is not empty: a backup needs its own folder.`);
}

/** The slot lives as long as the session: what the copy needs of the log is not removed. */
async function keepLog(session: Session): Promise<void> {
  const name = `backup_${process.pid}`;
  const statement = 'select pg_create_physical_replication_slot($1, true, true)';
  await session.query(statement, [name], deadlineMs);
}

async function version(session: Session): Promise<{ postgresVersion: number }> {
  const question = "select current_setting('server_version_num')::integer as version";
  const [row] = await session.query<{ version: number }>(question, [], deadlineMs);
  return { postgresVersion: row?.version ?? 0 };
}

/** From the segment in which the copy began to the one in which it ended. */
async function copyLog(
  session: Session,
  source: string,
  data: string,
  firstSegment: string,
  lastLsn: string,
): Promise<void> {
  const question = 'select pg_walfile_name($1::pg_lsn) as name';
  const [row] = await session.query<{ name: string }>(question, [lastLsn], deadlineMs);
  if (row === undefined) throw new Error('the end of the backup has no log');
  const isNeeded = (name: string): boolean => {
    if (name.endsWith('.history')) return true;
    return /^[0-9A-F]{24}$/.test(name) && name >= firstSegment && name <= row.name;
  };
  for (const name of await readdir(path.join(source, 'pg_wal'))) {
    if (!isNeeded(name)) continue;
    await copyFile(path.join(source, 'pg_wal', name), path.join(data, 'pg_wal', name));
  }
}

/** Removes a backup that was cut short. */
export async function discard(target: string): Promise<void> {
  await rm(target, { recursive: true, force: true });
}
