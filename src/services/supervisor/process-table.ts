/**
 * What the operating system knows about processes. A process is named by its id *and* its start
 * time: the system uses ids again, and nothing here may kill a process that is not ours.
 *
 * Linux is read from /proc, at microseconds a process. Elsewhere `ps` answers the same questions.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface ProcessName {
  readonly pid: number;
  /** Opaque, equal for the same process only. */
  readonly startTime: string;
}

export interface ProcessUsage {
  readonly cpuMs: number;
  readonly memoryBytes: number;
}

const hasProc = process.platform === 'linux';
/** Clock ticks a second in /proc; 100 on every Linux that Node supports. */
const msPerTick = 10;
const deletedSuffix = ' (deleted)';

/** Fields of /proc/PID/stat behind the command, which may itself hold spaces and brackets. */
function statFields(pid: number): string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}

function ps(...args: string[]): string {
  try {
    return execFileSync('ps', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return '';
  }
}

/** Null where no such process lives; a zombie does not. */
export function startTimeOf(pid: number): string | null {
  if (hasProc) {
    const fields = statFields(pid);
    return fields === null || fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? null);
  }
  const line = ps('-o', 'stat=,lstart=', '-p', String(pid)).trim();
  return line === '' || line.startsWith('Z') ? null : line.slice(line.indexOf(' ')).trim();
}

/** What the system says of a process at one moment. */
export interface ProcessActivity {
  /** Asleep: it waits for something to happen. Working: it computes, or waits for core or disk. */
  readonly state: 'stopped' | 'asleep' | 'working';
  readonly cpuMs: number;
}

/** Those of the processes that live. Microseconds each on Linux, one `ps` for all elsewhere. */
export function activitiesOf(pids: readonly number[]): ReadonlyMap<number, ProcessActivity> {
  const found = new Map<number, ProcessActivity>();
  if (pids.length === 0) return found;
  if (!hasProc) {
    for (const line of ps('-o', 'pid=,stat=,time=', '-p', pids.join(',')).split('\n')) {
      const [pid, stat = '', time = ''] = line.trim().split(/\s+/);
      const cpuMs = time.split(':').reduce((sum, part) => sum * 60 + Number(part), 0) * 1_000;
      if (time !== '') found.set(Number(pid), { state: activityFrom(stat), cpuMs });
    }
    return found;
  }
  for (const pid of pids) {
    const fields = statFields(pid);
    if (fields === null) continue;
    const cpuMs = (Number(fields[11]) + Number(fields[12])) * msPerTick;
    found.set(pid, { state: activityFrom(fields[0] ?? ''), cpuMs });
  }
  return found;
}

/** A traced process stops at each step and goes on: it does not count as stopped. */
function activityFrom(letters: string): ProcessActivity['state'] {
  if (letters.startsWith('T')) return 'stopped';
  return /^[SI]/.test(letters) ? 'asleep' : 'working';
}

/** Stopped by a signal or frozen: it lives, and does nothing until it is resumed. */
export function isSuspended({ pid }: ProcessName): boolean {
  if (hasProc) return /^[Tt]/.test(statFields(pid)?.[0] ?? '');
  return ps('-o', 'stat=', '-p', String(pid)).startsWith('T');
}

export function isAlive({ pid, startTime }: ProcessName): boolean {
  return startTimeOf(pid) === startTime;
}

/** Signals that very process. False where it no longer lives. */
export function signal(name: ProcessName, kind: NodeJS.Signals): boolean {
  if (!isAlive(name)) return false;
  try {
    process.kill(name.pid, kind);
    return true;
  } catch {
    return false;
  }
}

function allPids(): number[] {
  if (!hasProc)
    return ps('-axo', 'pid=')
      .split('\n')
      .map(Number)
      .filter((pid) => pid > 0);
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0);
}

/**
 * Every process that works in `folder` (a real path): a PostgreSQL node's postmaster and all its
 * children, which have sessions of their own and outlive it for a while.
 */
export function processesIn(folder: string): number[] {
  if (!hasProc) return descendants(postmasterOf(folder));
  return allPids().filter((pid) => {
    try {
      const place = readlinkSync(`/proc/${pid}/cwd`);
      if (place !== folder && place !== folder + deletedSuffix) return false;
      return startTimeOf(pid) !== null;
    } catch {
      return false; // ended meanwhile, or another user's
    }
  });
}

function postmasterOf(folder: string): number | null {
  try {
    return Number(readFileSync(`${folder}/postmaster.pid`, 'utf8').split('\n')[0]);
  } catch {
    return null;
  }
}

function descendants(root: number | null): number[] {
  if (root === null || startTimeOf(root) === null) return [];
  const parents = ps('-axo', 'pid=,ppid=')
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number) as [number, number]);
  const found = [root];
  for (const pid of found) {
    found.push(...parents.filter(([, parent]) => parent === pid).map(([child]) => child));
  }
  return found;
}

/** Services that a supervisor of this home started, recorded or not: their environment says so. */
export function servicesOfHome(home: string): ProcessName[] {
  if (!hasProc) return [];
  return allPids().flatMap((pid) => {
    if (pid === process.pid) return [];
    try {
      const variables = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      if (!variables.includes(`DOORBUSTER_HOME=${home}`)) return [];
      if (!variables.includes('DOORBUSTER_STARTED_BY=supervisor')) return [];
      const startTime = startTimeOf(pid);
      return startTime === null ? [] : [{ pid, startTime }];
    } catch {
      return [];
    }
  });
}

/** Processor time since the start, and memory with shared pages counted once (PSS). */
export function usageOf(pids: readonly number[]): ProcessUsage {
  let cpuMs = 0;
  let memoryBytes = 0;
  if (!hasProc) return { cpuMs, memoryBytes };
  for (const pid of pids) {
    const fields = statFields(pid);
    if (fields === null) continue;
    cpuMs += (Number(fields[11]) + Number(fields[12])) * msPerTick;
    memoryBytes += proportionalBytes(pid);
  }
  return { cpuMs, memoryBytes };
}

function proportionalBytes(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
