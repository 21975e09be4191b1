/** One supervisor a home. The lock names its holder, so that a second start can say who it is. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isAlive, startTimeOf } from './process-table.ts';

interface Holder {
  readonly pid: number;
  readonly startTime: string;
  readonly port: number;
  readonly since: string;
}

const attemptsMax = 3;

/** Returns the function that unlocks. Throws a sentence while another supervisor uses this home. */
export function lockHome(home: string, port: number): () => void {
  const file = path.join(home, 'run', 'supervisor.json');
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
        `The data in ${home} is held by process ${other.pid} since ${other.since}, which serves ` +
          `http://localhost:${other.port}. Stop that one, or set DOORBUSTER_HOME to another folder.`,
      );
    }
    rmSync(file, { force: true }); // its holder died without unlocking
  }
  throw new Error(`The lock ${file} is taken again and again: is another start under way?`);
}

function readHolder(file: string): Holder | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}
