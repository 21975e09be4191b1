/** One supervisor a home. The lock names its holder, so that a second start can say who it is. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isAlive, startTimeOf } from './process-table.ts';

interface Holder {
  readonly pid: number;
  readonly startTime: string;
  /** Null: it makes a backup or restores one, and ends by itself. */
  readonly port: number | null;
  readonly since: string;
}

const attemptsMax = 3;

/** Returns the function that unlocks. Throws a sentence while another process uses this home. */
export function lockHome(home: string, port: number | null): () => void {
  const file = lockFile(home);
  const holder: Holder = {
    pid: process.pid,
    startTime: startTimeOf(process.pid) ?? '',
    port,
    since: new Date().toISOString(),
  };
  for (let attempts = 0; attempts < attemptsMax; attempts += 1) {
    try {
      writeFileSync(file, JSON.stringify(holder), { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const other = readHolder(file);
    if (other !== null && isAlive(other)) {
      throw new Error(
        `The data in ${home} is held by process ${other.pid} since ${other.since}, ` +
          (other.port === null
            ? 'which makes a backup or restores one. Try again when it has ended.'
            : `which serves http://localhost:${other.port}. Stop that one, or set ` +
              'DOORBUSTER_HOME to another folder.'),
      );
    }
    rmSync(file, { force: true }); // its holder died without unlocking
  }
  throw new Error(`The lock ${file} is taken again and again: is another start under way?`);
}

/** Whether a supervisor, or a backup or restore, lives on this home. */
export function isHeld(home: string): boolean {
  const holder = readHolder(lockFile(home));
  return holder !== null && isAlive(holder);
}

function lockFile(home: string): string {
  return path.join(home, 'run', 'supervisor.json');
}

function readHolder(file: string): Holder | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}
