/** When the supervisor makes backups by itself, and which of them it keeps. Pure. */

/** Names sort by time, so that a listing of the folder is its history. */
export function backupName(now: Date): string {
  return `backup-${now.toISOString().replaceAll(/[:.]/g, '-')}`;
}

export function isBackupName(name: string): boolean {
  return /^backup-\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}-\d{3}Z$/.test(name);
}

export function timeOfBackup(name: string): number {
  const [, date, time] = /^backup-(.*)T(.*)Z$/.exec(name) ?? [];
  if (date === undefined || time === undefined) return Number.NaN;
  const [hours, minutes, seconds, milliseconds] = time.split('-');
  return Date.parse(`${date}T${hours}:${minutes}:${seconds}.${milliseconds}Z`);
}

/** Milliseconds until the next backup is due; 0 where it is due now. */
export function msUntilDue(names: readonly string[], now: number, everyMs: number): number {
  const times = names.filter(isBackupName).map(timeOfBackup);
  if (times.length === 0) return 0;
  return Math.max(0, Math.max(...times) + everyMs - now);
}

/** The newest ones, and the newest one of each of the last days, weeks and months that have one. */
export interface Retention {
  readonly newest: number;
  readonly days: number;
  readonly weeks: number;
  readonly months: number;
}

/** Reads `7`, or `3, 7 days, 4 weeks, 12 months`. Throws what it must be. */
export function readRetention(text: string): Retention {
  const kept = { newest: 1, days: 0, weeks: 0, months: 0 };
  for (const part of text.split(',')) {
    const [, count, unit = ''] =
      /^\s*([1-9]\d{0,3})(?:\s+(day|week|month)s?)?\s*$/.exec(part) ?? [];
    if (count === undefined) {
      throw new Error('must be how many are kept, as in 7 or 3, 7 days, 4 weeks, 12 months');
    }
    kept[unit === '' ? 'newest' : (`${unit}s` as keyof Retention)] = Number(count);
  }
  return kept;
}

const dayMs = 86_400_000;
const mondayOffset = 3; // 1 January 1970 was a Thursday

/** Periods in UTC, by number or name. */
const periods: Readonly<Record<Exclude<keyof Retention, 'newest'>, (time: number) => unknown>> = {
  days: (time) => Math.floor(time / dayMs),
  weeks: (time) => Math.floor((time / dayMs + mondayOffset) / 7),
  months: (time) => new Date(time).toISOString().slice(0, 7),
};

/** Those beyond what is kept, oldest first. Names that are not ours are never removed. */
export function superfluous(names: readonly string[], retention: Retention): string[] {
  const ours = names.filter(isBackupName).sort().reverse();
  const kept = new Set(ours.slice(0, Math.max(1, retention.newest)));
  for (const [unit, periodOf] of Object.entries(periods)) {
    const seen = new Set<unknown>();
    for (const name of ours) {
      const period = periodOf(timeOfBackup(name));
      if (seen.has(period)) continue;
      if (seen.size >= retention[unit as keyof Retention]) break;
      seen.add(period);
      kept.add(name);
    }
  }
  return ours.filter((name) => !kept.has(name)).reverse();
}
