/**
 * A backup of the whole shop: one physical copy of the leader, so that catalogue, customers and
 * orders are all of the same instant, together with the log that makes the copy consistent and the
 * secrets without which nobody could sign in or open an order's link.
 *
 * A shop that sells is copied while it sells; one that stands still is held meanwhile, so that no
 * start changes it. Whatever ends a backup early, nothing of it is left in the target.
 */
import { existsSync, realpathSync } from 'node:fs';
import { chmod, copyFile, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ClusterState } from '../../../kit/cluster/directory.ts';
import { clusterFile } from '../../../kit/cluster/file-directory.ts';
import { readIdentity } from '../../../kit/cluster/internal-tls.ts';
import { isHeld, lockHome } from '../home-lock.ts';
import { type CopyProgress, copyDataFolder, copyRunning } from '../postgres/copy.ts';
import { Register } from '../postgres/register.ts';
import { type Session, withSession } from '../postgres/session.ts';
import { syncNow } from '../postgres/sync-folder.ts';
import { processesIn } from '../process-table.ts';
import { archiveId } from './log-archive.ts';
import { type BackupFacts, type Manifest, type OnProgress, writeManifest } from './manifest.ts';
import { intoFolder, refuseInside, requireRoom } from './target-folder.ts';

const deadlineMs = 10_000;

export interface BackupOptions {
  readonly home: string;
  /** Does not exist yet, is empty, or holds a backup that was cut short. */
  readonly target: string;
  readonly now: Date;
  readonly onProgress?: OnProgress;
  /** Ends it early. */
  readonly signal?: AbortSignal;
}

type Copied = Omit<BackupFacts, 'at'>;

/** Throws a sentence where it cannot be made. */
export async function backUp(options: BackupOptions): Promise<Manifest> {
  const { home, target, now, signal } = options;
  if (!existsSync(path.join(home, 'pg'))) throw new Error(`There is no shop in ${home}.`);
  refuseInside(home, target);
  const onProgress: OnProgress = (bytes, bytesTotal) => {
    signal?.throwIfAborted();
    options.onProgress?.(bytes, bytesTotal);
  };
  return await intoFolder(target, async () => {
    const copied = await copyShop(home, target, onProgress);
    await copySecrets(home, target);
    await syncNow(target);
    return await writeManifest(target, { at: now.toISOString(), ...copied }, onProgress);
  });
}

async function copyShop(home: string, target: string, onProgress: OnProgress): Promise<Copied> {
  const state = await readState(home);
  const pg = realpathSync(path.join(home, 'pg'));
  const { leader } = state.database;
  const source = leader === null ? null : path.join(pg, leader.id, 'data');
  if (source !== null && processesIn(source).length > 0) {
    return await copySelling(home, target, state, source, onProgress);
  }
  if (isHeld(home)) {
    throw new Error('The shop has no database leader just now: try again in a minute.');
  }
  const unlock = lockHome(home, null);
  process.once('exit', unlock);
  try {
    return await copyStopped(pg, target, onProgress);
  } finally {
    unlock();
    process.off('exit', unlock);
  }
}

async function readState(home: string): Promise<ClusterState> {
  try {
    return JSON.parse(await readFile(clusterFile(home), 'utf8'));
  } catch {
    return { revision: 0, epoch: 0, services: [], database: { leader: null, followers: [] } };
  }
}

async function copySelling(
  home: string,
  target: string,
  { database, tlsFolder, epoch }: ClusterState,
  source: string,
  onProgress: OnProgress,
): Promise<Copied> {
  const secrets = JSON.parse(await readFile(path.join(home, 'secrets.json'), 'utf8'));
  const access = {
    port: database.leader?.port ?? 0,
    tls: tlsFolder === undefined ? null : readIdentity(tlsFolder),
    password: secrets.databasePasswords.postgres,
    name: 'backup',
  };
  const data = path.join(target, 'data');
  return await withSession(access, async (session) => {
    await keepLog(session);
    const { lsn, firstSegment } = await copyRunning(
      session,
      source,
      data,
      null,
      whereRoomIs(target, onProgress),
    );
    await copyLog(session, source, data, firstSegment, lsn);
    const postgresVersion = await majorVersion(data);
    return { epoch, lsn, firstSegment, archive: archiveId(home), postgresVersion };
  });
}

/** The leader's data as it was left, which the next start would begin with. */
async function copyStopped(pg: string, target: string, onProgress: OnProgress): Promise<Copied> {
  const leadership = new Register(pg).read();
  if (leadership === null) {
    throw new Error(`${pg} does not say which database led. Start the shop, then back it up.`);
  }
  const source = path.join(pg, leadership.leader, 'data');
  if (!existsSync(path.join(source, 'PG_VERSION'))) {
    throw new Error(`${source}, the leader's, is empty. Start the shop, then back it up.`);
  }
  if (existsSync(path.join(source, 'backup_label'))) {
    throw new Error('This shop was restored and never started. Start it once, then back it up.');
  }
  const data = path.join(target, 'data');
  await copyDataFolder(source, data, null, {
    includesLog: true,
    onProgress: whereRoomIs(target, onProgress),
  });
  const postgresVersion = await majorVersion(data);
  const { epoch } = leadership;
  return { epoch, lsn: null, firstSegment: null, archive: null, postgresVersion };
}

/** Refuses at once what would fill the disk. */
function whereRoomIs(target: string, onProgress: OnProgress) {
  let isChecked = false;
  return ({ bytes, bytesTotal }: CopyProgress): void => {
    if (!isChecked) requireRoom(target, bytesTotal);
    isChecked = true;
    onProgress(bytes, bytesTotal);
  };
}

async function copySecrets(home: string, target: string): Promise<void> {
  const source = path.join(home, 'secrets.json');
  if (!existsSync(source)) {
    throw new Error(`${source} is missing. Start the shop, which makes it, then back it up.`);
  }
  await copyFile(source, path.join(target, 'secrets.json'));
  await chmod(path.join(target, 'secrets.json'), 0o600);
}

/** The slot lives as long as the session: what the copy needs of the log is not removed. */
async function keepLog(session: Session): Promise<void> {
  const name = `backup_${process.pid}`;
  const statement = 'select pg_create_physical_replication_slot($1, true, true)';
  await session.query(statement, [name], deadlineMs);
}

async function majorVersion(data: string): Promise<number> {
  return Number(await readFile(path.join(data, 'PG_VERSION'), 'utf8'));
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
