/**
 * Backups at intervals, each in a process of its own: copying gigabytes must not keep the
 * supervisor from noticing that a leader died. A backup that fails is tried again; older ones are
 * removed only after a newer one is whole. Between them the log is archived, where that is on.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Log } from '../../../kit/log.ts';
import { archiveId, pruneArchives } from './log-archive.ts';
import { type Manifest, manifestName } from './manifest.ts';
import { reasonOf } from './reason.ts';
import {
  backupName,
  isBackupName,
  msUntilDue,
  type Retention,
  readRetention,
  superfluous,
} from './schedule.ts';
import { refuseInside } from './target-folder.ts';

const retryMs = 10 * 60_000;
const archiverPauseMs = 10_000;
const wordsMax = 2_000;
/** Timers cannot be longer than 24.8 days. */
const sleepMsMax = 60 * 60_000;

export interface BackupSchedule {
  readonly folder: string;
  /** On another disk; gets a copy of each backup and of the log. */
  readonly secondFolder: string | null;
  readonly everyMs: number;
  readonly kept: Retention;
  readonly archivesLog: boolean;
}

/** From the environment: a folder switches them on. Null where none are wanted. */
export function readSchedule(
  env: Readonly<Record<string, string | undefined>>,
): BackupSchedule | null {
  const folder = env['DOORBUSTER_BACKUP_FOLDER'];
  if (folder === undefined || folder === '') return null;
  const second = env['DOORBUSTER_BACKUP_SECOND_FOLDER'];
  return {
    folder: path.resolve(folder),
    secondFolder: second === undefined || second === '' ? null : path.resolve(second),
    everyMs: Number(env['DOORBUSTER_BACKUP_HOURS'] || 24) * 3_600_000,
    kept: readRetention(env['DOORBUSTER_BACKUPS_KEPT'] || '7'),
    archivesLog: env['DOORBUSTER_LOG_ARCHIVE'] === 'on',
  };
}

export interface ScheduledBackupsOptions {
  readonly schedule: BackupSchedule;
  readonly home: string;
  readonly log: Log;
  /** Shows the owner what fails. */
  readonly report: (sentence: string) => void;
}

export class ScheduledBackups {
  #timer: NodeJS.Timeout | undefined;
  #archiverTimer: NodeJS.Timeout | undefined;
  #child: ChildProcess | null = null;
  #archiver: ChildProcess | null = null;
  #failures = 0;
  #isRunning = false;
  #isClosed = false;
  readonly #options: ScheduledBackupsOptions;

  constructor(options: ScheduledBackupsOptions) {
    this.#options = options;
    if (options.schedule.archivesLog) this.#startArchiver();
    this.#plan(0);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#archiverTimer);
    this.#child?.kill('SIGTERM');
    this.#archiver?.kill('SIGTERM');
  }

  #plan(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#round(), Math.min(ms, sleepMsMax));
  }

  async #round(): Promise<void> {
    const { schedule, home, report } = this.#options;
    if (this.#isRunning) return; // it looks when the next is due, when it has ended
    this.#isRunning = true;
    try {
      refuseInside(home, schedule.folder);
      await mkdir(schedule.folder, { recursive: true, mode: 0o700 });
      await this.#makeIfDue();
      if (schedule.secondFolder !== null) await this.#copyNewest(schedule.secondFolder);
      const due = msUntilDue(await this.#ofThisArchive(), Date.now(), schedule.everyMs);
      if (this.#failures > 0) report('the scheduled backup succeeded again');
      this.#failures = 0;
      this.#plan(due);
    } catch (error) {
      if (this.#isClosed) return;
      this.#failures += 1;
      report(failureText(reasonOf(error), this.#failures));
      this.#plan(retryMs);
    } finally {
      this.#isRunning = false;
    }
  }

  async #makeIfDue(): Promise<void> {
    const { folder, everyMs } = this.#options.schedule;
    await removeCutShort(folder);
    if (msUntilDue(await this.#ofThisArchive(), Date.now(), everyMs) > 0) return;
    const target = path.join(folder, backupName(new Date()));
    await this.#run('backup', target);
    this.#options.log.info({ target }, 'a backup was made');
    await this.#prune(folder);
  }

  async #copyNewest(second: string): Promise<void> {
    const { folder } = this.#options.schedule;
    if (!existsSync(second)) throw new Error(`${second} is not there: is its disk mounted?`);
    await removeCutShort(second);
    const newest = (await backupsIn(folder)).at(-1);
    if (newest === undefined || existsSync(path.join(second, newest))) return;
    await this.#run('copy', path.join(folder, newest), path.join(second, newest));
    await this.#prune(second);
  }

  async #prune(folder: string): Promise<void> {
    for (const name of superfluous(await backupsIn(folder), this.#options.schedule.kept)) {
      // first what makes it a backup, so that one that is removed in part is never taken for whole
      await rm(path.join(folder, name, manifestName), { force: true });
      await rm(path.join(folder, name), { recursive: true, force: true });
    }
    const stay = await Promise.all((await backupsIn(folder)).map((name) => read(folder, name)));
    await pruneArchives(folder, stay, archiveId(this.#options.home));
  }

  /** Those that the archived log continues; where none is archived, all. */
  async #ofThisArchive(): Promise<string[]> {
    const { schedule, home } = this.#options;
    const names = await backupsIn(schedule.folder);
    if (!schedule.archivesLog) return names;
    const newest = names.at(-1);
    if (newest === undefined) return [];
    const { archive } = await read(schedule.folder, newest);
    return archive !== null && archive === archiveId(home) ? names : [];
  }

  #run(...args: string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const child = this.#spawn(args);
      this.#child = child;
      let words = '';
      child.stderr?.on('data', (chunk) => (words = `${words}${chunk}`.slice(-wordsMax)));
      child.once('error', reject);
      child.once('close', (code) => {
        this.#child = null;
        if (code === 0) resolve();
        else reject(new Error(words.trim() || `its process ended with ${code}.`));
      });
    });
  }

  #spawn(args: readonly string[]): ChildProcess {
    return spawn(process.execPath, [path.join(import.meta.dirname, 'main.ts'), ...args], {
      stdio: 'pipe',
      env: { PATH: process.env['PATH'], DOORBUSTER_HOME: this.#options.home },
    });
  }

  /** It ends with us, since its input does. */
  #startArchiver(): void {
    const { folder, secondFolder } = this.#options.schedule;
    const child = this.#spawn([
      'archive',
      folder,
      ...(secondFolder === null ? [] : [secondFolder]),
    ]);
    this.#archiver = child;
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (sentence) => {
        this.#options.report(sentence);
        this.#plan(0); // where an archive begins anew, a backup is due
      });
    }
    child.on('error', (error) => this.#options.report(`the log is not archived: ${error.message}`));
    child.once('close', () => {
      if (this.#isClosed) return;
      this.#archiverTimer = setTimeout(() => this.#startArchiver(), archiverPauseMs);
    });
  }
}

/** Names of whole backups, oldest first. */
async function backupsIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter(isBackupName).sort();
  return names.filter((name) => existsSync(path.join(folder, name, manifestName)));
}

async function removeCutShort(folder: string): Promise<void> {
  const whole = await backupsIn(folder);
  for (const name of (await readdir(folder)).filter(isBackupName)) {
    if (whole.includes(name)) continue;
    await rm(path.join(folder, name), { recursive: true, force: true });
  }
}

async function read(folder: string, name: string): Promise<Manifest> {
  return JSON.parse(await readFile(path.join(folder, name, manifestName), 'utf8'));
}

function failureText(reason: string, failures: number): string {
  const times = failures === 1 ? '' : ` (${failures} times in a row)`;
  return `the scheduled backup failed${times}: ${reason} It is tried again in 10 minutes.`;
}
