/**
 * Backups at intervals, each in a process of its own: copying gigabytes must not keep the
 * supervisor from noticing that a leader died. A backup that fails is tried again; older ones are
 * removed only after a newer one is whole.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Log } from '../../../kit/log.ts';
import { manifestName } from './manifest.ts';
import { reasonOf } from './reason.ts';
import { backupName, isBackupName, msUntilDue, superfluous } from './schedule.ts';

const retryMs = 10 * 60_000;
const wordsMax = 2_000;
/** Timers cannot be longer than 24.8 days. */
const sleepMsMax = 60 * 60_000;

export interface BackupSchedule {
  readonly folder: string;
  readonly everyMs: number;
  /** Newest backups that are never removed. */
  readonly kept: number;
}

/** From the environment: a folder switches them on. Null where none are wanted. */
export function readSchedule(
  env: Readonly<Record<string, string | undefined>>,
): BackupSchedule | null {
  const folder = env['DOORBUSTER_BACKUP_FOLDER'];
  if (folder === undefined || folder === '') return null;
  const hours = Number(env['DOORBUSTER_BACKUP_HOURS'] || 24);
  const kept = Number(env['DOORBUSTER_BACKUPS_KEPT'] || 7);
  return { folder: path.resolve(folder), everyMs: hours * 3_600_000, kept };
}

export class ScheduledBackups {
  #timer: NodeJS.Timeout | undefined;
  #child: ChildProcess | null = null;
  readonly #schedule: BackupSchedule;
  readonly #home: string;
  readonly #log: Log;
  /** Tells the owner. */
  readonly #tell: (sentence: string) => void;
  #failures = 0;
  #isClosed = false;

  constructor(schedule: BackupSchedule, home: string, log: Log, tell: (sentence: string) => void) {
    this.#schedule = schedule;
    this.#home = home;
    this.#log = log;
    this.#tell = tell;
    this.#plan(0);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#child?.kill('SIGTERM');
  }

  #plan(ms: number): void {
    this.#timer = setTimeout(() => void this.#round(), Math.min(ms, sleepMsMax));
  }

  async #round(): Promise<void> {
    const { folder, everyMs, kept } = this.#schedule;
    try {
      const due = msUntilDue(await this.#whole(), Date.now(), everyMs);
      if (due > 0) {
        this.#plan(due);
        return;
      }
      const target = path.join(folder, backupName(new Date()));
      await this.#make(target);
      this.#log.info({ target }, 'a backup was made');
      for (const name of superfluous(await this.#whole(), kept)) {
        await remove(path.join(folder, name));
      }
      if (this.#failures > 0) this.#tell('the backup succeeded again');
      this.#failures = 0;
      this.#plan(everyMs);
    } catch (error) {
      if (this.#isClosed) return;
      this.#failures += 1;
      this.#tell(failureText(reasonOf(error), this.#failures));
      this.#plan(retryMs);
    }
  }

  /** Names of whole backups; what was cut short is removed. */
  async #whole(): Promise<string[]> {
    const { folder } = this.#schedule;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const names = (await readdir(folder)).filter(isBackupName);
    const cutShort = names.filter((name) => !existsSync(path.join(folder, name, manifestName)));
    for (const name of cutShort) await remove(path.join(folder, name));
    return names.filter((name) => !cutShort.includes(name));
  }

  #make(target: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const script = path.join(import.meta.dirname, 'main.ts');
      const child = spawn(process.execPath, [script, 'backup', target], {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { PATH: process.env['PATH'], DOORBUSTER_HOME: this.#home },
      });
      this.#child = child;
      let words = '';
      child.stderr.on('data', (chunk) => (words = `${words}${chunk}`.slice(-wordsMax)));
      child.once('error', reject);
      child.once('close', (code) => {
        this.#child = null;
        if (code === 0) resolve();
        else reject(new Error(words.trim() || `its process ended with ${code}`));
      });
    });
  }
}

function failureText(reason: string, failures: number): string {
  const times = failures === 1 ? '' : ` (${failures} times in a row)`;
  return `the scheduled backup failed${times}: ${reason} It is tried again in 10 minutes.`;
}

async function remove(backup: string): Promise<void> {
  // first what makes it a backup, so that one that is removed in part is never taken for whole
  await rm(path.join(backup, manifestName), { force: true });
  await rm(backup, { recursive: true, force: true });
}
