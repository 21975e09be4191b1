/**
 * Copies of a running leader's data directory: `pg_backup_start`, copy, `pg_backup_stop`. What
 * changes meanwhile is repaired by the log, which the follower receives from where the copy began.
 * The result appears under its final name only when it is whole.
 */
import { constants } from 'node:fs';
import {
  chmod,
  copyFile,
  lchown,
  mkdir,
  readdir,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { sideBySide } from '../side-by-side.ts';
import { syncFolder } from '../stored-file.ts';
import type { Session } from './session.ts';
import type { Account } from './system-user.ts';

/** Contents that belong to the running server and mean nothing in a copy. */
const emptyFolders = new Set([
  'pg_dynshmem',
  'pg_notify',
  'pg_replslot',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
  'pg_wal',
]);
const skippedFiles = /^(postmaster\.(pid|opts)|standby\.signal|recovery\.signal)$/;
const labelName = 'backup_label';
const skippedAnywhere = /^(pgsql_tmp.*|pg_internal\.init.*)$/;
const filesAtOnce = 8;
const startDeadlineMs = 60_000;

export interface CopyProgress {
  readonly bytes: number;
  readonly bytesTotal: number;
}

interface FilePlan {
  readonly place: string;
  readonly bytes: number;
}

/** What to copy, pg_control last: it must not be older than the files that it describes. */
async function plan(from: string, { includesLog }: CopyOptions) {
  const folders: string[] = [];
  const files: FilePlan[] = [];
  const visit = async (place: string): Promise<void> => {
    for (const entry of await readdir(path.join(from, place), { withFileTypes: true })) {
      const inner = path.join(place, entry.name);
      if (skippedAnywhere.test(entry.name)) continue;
      if (place === '' && skippedFiles.test(entry.name)) continue;
      if (inner.startsWith(labelName)) continue;
      if (entry.isDirectory()) {
        folders.push(inner);
        const isEmptied = emptyFolders.has(inner) && !(includesLog && inner === 'pg_wal');
        if (!isEmptied) await visit(inner);
        continue;
      }
      if (!entry.isFile() || inner === path.join('global', 'pg_control')) continue;
      const bytes = await stat(path.join(from, inner)).then(
        ({ size }) => size,
        () => 0, // dropped meanwhile
      );
      files.push({ place: inner, bytes });
    }
  };
  await visit('');
  for (const inner of ['archive_status', 'summaries']) {
    const folder = path.join('pg_wal', inner);
    if (!folders.includes(folder)) folders.push(folder);
  }
  return { folders, files };
}

export interface CopyOptions {
  /** Nothing runs on the source, and its log belongs to the copy. */
  readonly includesLog: boolean;
  readonly onProgress?: (progress: CopyProgress) => void;
}

/**
 * Copies a data directory file by file. Files that vanish meanwhile are left out: the log says that
 * they were dropped.
 */
export async function copyDataFolder(
  from: string,
  to: string,
  account: Account | null,
  options: CopyOptions,
): Promise<void> {
  const { folders, files } = await plan(from, options);
  const own = async (place: string): Promise<void> => {
    if (account !== null) await lchown(place, account.uid, account.gid);
  };
  await mkdir(to, { recursive: true });
  await chmod(to, 0o700);
  await own(to);
  for (const folder of folders) {
    await mkdir(path.join(to, folder), { mode: 0o700 });
    await own(path.join(to, folder));
  }
  const bytesTotal = files.reduce((sum, file) => sum + file.bytes, 0);
  let bytes = 0;
  const copyOne = async (place: string): Promise<void> => {
    const target = path.join(to, place);
    try {
      await copyFile(path.join(from, place), target, constants.COPYFILE_FICLONE);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    await own(target);
  };
  options.onProgress?.({ bytes, bytesTotal });
  await sideBySide(files, filesAtOnce, async (file) => {
    await copyOne(file.place);
    bytes += file.bytes;
    options.onProgress?.({ bytes, bytesTotal });
  });
  await copyOne(path.join('global', 'pg_control'));
}

/** Copies a running leader. `session` must stay open for the whole copy, and is to the leader. */
export async function copyRunning(
  session: Session,
  from: string,
  to: string,
  account: Account | null,
  onProgress?: (progress: CopyProgress) => void,
): Promise<{ readonly lsn: string; readonly firstSegment: string }> {
  await rm(to, { recursive: true, force: true });
  await session.query('select pg_backup_start($1, true)', ['doorbuster'], startDeadlineMs);
  await copyDataFolder(from, to, account, {
    includesLog: false,
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  const [label] = await session.query<{ labelfile: string; lsn: string }>(
    'select labelfile, lsn::text from pg_backup_stop(false)',
    [],
    startDeadlineMs,
  );
  if (label === undefined) throw new Error('the leader did not end its backup');
  const firstSegment = /\(file ([0-9A-F]{24})\)/.exec(label.labelfile)?.[1];
  if (firstSegment === undefined) throw new Error('the label names no segment of the log');
  const file = path.join(to, labelName);
  await writeFile(file, label.labelfile, { mode: 0o600 });
  if (account !== null) await lchown(file, account.uid, account.gid);
  return { lsn: label.lsn, firstSegment };
}

/**
 * Makes a finished copy the node's data. Its files need no fsync here: a node that starts on a
 * copy of a running server flushes its whole directory before it replays anything.
 */
export async function install(copy: string, dataFolder: string): Promise<void> {
  await rm(dataFolder, { recursive: true, force: true });
  await rename(copy, dataFolder);
  syncFolder(path.dirname(dataFolder));
}
