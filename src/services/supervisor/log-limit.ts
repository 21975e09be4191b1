/**
 * Keeps the log files bounded. Their writers hold them open for appending, so a file that grew too
 * long is copied aside and emptied in place; the lines of that moment may be lost, which is why
 * nothing but logs is treated so.
 */
import { copyFile, readdir, stat, truncate } from 'node:fs/promises';
import path from 'node:path';

const everyMs = 60_000;
const bytesMax = 32 * 1024 * 1024;

/** Empties every log beyond the limit; the one before it is kept as `<name>.1`. */
export async function limitLogs(folder: string, limitBytes = bytesMax): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.log')) continue;
    const file = path.join(folder, name);
    const { size } = await stat(file);
    if (size <= limitBytes) continue;
    await copyFile(file, `${file}.1`);
    await truncate(file);
  }
}

/** Looks after the folder for as long as the process lives. */
export function keepLogsLimited(folder: string): void {
  setInterval(() => limitLogs(folder).catch(() => {}), everyMs).unref();
}
