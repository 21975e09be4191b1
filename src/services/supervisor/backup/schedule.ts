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

/** The oldest beyond those that are kept. Names that are not ours are never removed. */
export function superfluous(names: readonly string[], kept: number): string[] {
  const ours = names.filter(isBackupName).sort();
  return ours.slice(0, Math.max(0, ours.length - Math.max(1, kept)));
}
