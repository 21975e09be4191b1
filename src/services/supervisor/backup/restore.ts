/**
 * A shop from a backup, in a home that holds none. Everything is verified before anything is
 * written. The copy becomes the leader; the next start makes the two followers from it, and
 * acknowledges nothing before one of them has caught up.
 *
 * A restore that fails leaves nothing; one that was killed leaves a note, on which no start begins
 * an empty shop, and the next restore begins anew.
 */
import { existsSync, realpathSync } from 'node:fs';
import {
  chmod,
  copyFile,
  lchown,
  mkdir,
  readdir,
  readFile,
  realpath,
  rm,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { lockHome } from '../home-lock.ts';
import { postgresMajor } from '../postgres/binaries.ts';
import { install } from '../postgres/copy.ts';
import { prepareDataFolder } from '../postgres/data-folder.ts';
import { Register } from '../postgres/register.ts';
import { syncNow } from '../postgres/sync-folder.ts';
import type { Account } from '../postgres/system-user.ts';
import { sideBySide } from '../side-by-side.ts';
import { type ArchivedFile, continuation, unarchive } from './log-archive.ts';
import {
  BackupRefused,
  type Manifest,
  manifestName,
  type OnProgress,
  readManifest,
  verify,
} from './manifest.ts';
import { type RecoveryPoint, recover } from './recovery.ts';
import { writeRestoredLedger } from './restored-ledger.ts';
import { timeOfBackup } from './schedule.ts';
import { requireRoom } from './target-folder.ts';
import { unfinishedRestore } from './unfinished-restore.ts';

export interface RestoreOptions {
  /** A backup; with `until` also a folder of them, of which the newest before it is taken. */
  readonly source: string;
  readonly home: string;
  /** Restores a backup of an earlier version too, of which nobody can say whether it is whole. */
  readonly acceptsUnverified?: boolean;
  /** How far the archived log is replayed; absent: as far as the backup itself goes. */
  readonly until?: RecoveryPoint | undefined;
  readonly onProgress?: OnProgress;
  /** Ends it early. */
  readonly signal?: AbortSignal;
}

const leader = 'pg-1';
const filesAtOnce = 8;

/** Throws a sentence where it cannot be restored, `BackupRefused` where the backup is to blame. */
export async function restore(options: RestoreOptions): Promise<Manifest> {
  const { home, until, acceptsUnverified = false } = options;
  const source = await chooseBackup(options.source, until);
  const onProgress: OnProgress = (bytes, bytesTotal) => {
    options.signal?.throwIfAborted();
    options.onProgress?.(bytes, bytesTotal);
  };
  refuseShop(home);
  const manifest = await verified(source, acceptsUnverified, onProgress);
  const log = until === undefined ? [] : await continuation(path.dirname(source), manifest);
  await mkdir(path.join(home, 'run'), { recursive: true });
  await mkdir(path.join(home, 'logs'), { recursive: true });
  const real = await realpath(home);
  requireRoom(
    real,
    manifest.files.reduce((sum, { bytes }) => sum + bytes, 0),
  );
  const unlock = lockHome(real, null);
  process.once('exit', unlock);
  try {
    refuseShop(real); // one that was begun meanwhile
    await writeFile(unfinishedRestore(real), source);
    await orNothing(real, () =>
      makeShop({ ...options, source, home: real, manifest, log, onProgress }),
    );
    return manifest;
  } finally {
    unlock();
    process.off('exit', unlock);
  }
}

/** `home` is ours: it holds the note, and at most the rest of a restore that was killed. */
async function orNothing(home: string, work: () => Promise<void>): Promise<void> {
  await removeData(home);
  try {
    await work();
  } catch (error) {
    await removeData(home);
    throw error;
  } finally {
    await rm(unfinishedRestore(home), { force: true });
  }
}

/** Throws `BackupRefused`. */
export async function verified(
  source: string,
  acceptsUnverified: boolean,
  onProgress?: OnProgress,
): Promise<Manifest> {
  const manifest = await readManifest(source, { acceptsUnverified });
  const { postgresVersion } = manifest;
  if (postgresVersion !== postgresMajor()) {
    throw new BackupRefused(
      `${source} was made with PostgreSQL ${postgresVersion}, and this shop has ` +
        `${postgresMajor()}: restore it with the version of the shop that made it.`,
    );
  }
  if (manifest.format > 1) await verify(source, manifest, onProgress);
  return manifest;
}

function refuseShop(home: string): void {
  if (existsSync(unfinishedRestore(home))) return; // what is there is the rest of it
  for (const name of ['pg', 'secrets.json']) {
    if (!existsSync(path.join(home, name))) continue;
    throw new Error(`${home} holds a shop already: restore into an empty home.`);
  }
}

async function removeData(home: string): Promise<void> {
  const link = path.join(home, 'pg');
  if (existsSync(link)) await rm(realpathSync(link), { recursive: true, force: true });
  await rm(link, { recursive: true, force: true });
  await rm(path.join(home, 'secrets.json'), { force: true });
  await rm(path.join(home, 'payments', 'test-ledger.txt'), { force: true });
}

interface Work extends RestoreOptions {
  readonly manifest: Manifest;
  readonly log: readonly ArchivedFile[];
  readonly onProgress: OnProgress;
}

async function makeShop({ home, source, until, signal, ...work }: Work): Promise<void> {
  const { manifest, log, onProgress } = work;
  const secrets = path.join(source, 'secrets.json');
  const { databasePasswords } = JSON.parse(await readFile(secrets, 'utf8'));
  const { folder, account } = prepareDataFolder(home);
  const ownFolder = path.join(folder, leader);
  const incoming = path.join(folder, 'incoming');
  await copyData(source, incoming, manifest, account, onProgress);
  for (const each of log) {
    signal?.throwIfAborted();
    await own(await unarchive(each, path.join(incoming, 'pg_wal')), account);
  }
  await syncNow(incoming);
  await mkdir(ownFolder, { mode: 0o700 });
  await own(ownFolder, account);
  await install(incoming, path.join(ownFolder, 'data'));
  const password = databasePasswords.postgres;
  await recover({
    ...{ home, folder: ownFolder, account, password, until: until ?? null, signal },
    onRecovered: (access) => writeRestoredLedger(home, access),
  });
  await copyFile(secrets, path.join(home, 'secrets.json'));
  await chmod(path.join(home, 'secrets.json'), 0o600);
  new Register(folder).write({ epoch: manifest.epoch + 1, leader, voters: [], sealed: true });
}

async function own(place: string, account: Account | null): Promise<void> {
  if (account !== null) await lchown(place, account.uid, account.gid);
}

async function chooseBackup(source: string, until: RecoveryPoint | undefined): Promise<string> {
  if (until === undefined || existsSync(path.join(source, manifestName))) return source;
  const time = until === 'latest' ? Number.POSITIVE_INFINITY : Date.parse(until.time);
  const names = (await readdir(source)).filter((name) => timeOfBackup(name) <= time).sort();
  const name = names.filter((each) => existsSync(path.join(source, each, manifestName))).at(-1);
  if (name !== undefined) return path.join(source, name);
  throw new BackupRefused(`${source} holds no backup that was made before that time.`);
}

/** What the manifest names, and nothing else that may lie beside it. */
async function copyData(
  source: string,
  incoming: string,
  { folders, files }: Manifest,
  account: Account | null,
  onProgress: OnProgress,
): Promise<void> {
  const placeOf = (name: string): string => path.join(incoming, path.posix.relative('data', name));
  for (const name of folders.filter((each) => isData(each))) {
    await mkdir(placeOf(name), { mode: 0o700 });
    await own(placeOf(name), account);
  }
  const wanted = files.filter((file) => isData(file.path));
  const bytesTotal = wanted.reduce((sum, file) => sum + file.bytes, 0);
  let bytes = 0;
  await sideBySide(wanted, filesAtOnce, async (file) => {
    await copyFile(path.join(source, file.path), placeOf(file.path));
    await chmod(placeOf(file.path), 0o600);
    await own(placeOf(file.path), account);
    bytes += file.bytes;
    onProgress(bytes, bytesTotal);
  });
}

function isData(name: string): boolean {
  return name === 'data' || (name.startsWith('data/') && !name.split('/').includes('..'));
}
