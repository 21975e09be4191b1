/** What PostgreSQL itself says of the reason why it ended or does not serve. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const bytesMax = 64 * 1024;
const reasons = /(?:(?:FATAL|PANIC): +|LOG: +(?=could not|.*corrupt))(.*)$/;
/** Messages that every client gets while a node starts or stops are no reasons. */
const passing = /the database system is|terminating connection|canceling/;

/** The last reason in a node's log behind the byte `from`; null where it gives none. */
export function failureReason(logFile: string, from: number): string | null {
  const found = tail(logFile, from).flatMap((line) => reasons.exec(line)?.[1] ?? []);
  return found.filter((reason) => !passing.test(reason)).at(-1) ?? null;
}

function tail(file: string, from: number): string[] {
  try {
    const descriptor = openSync(file, 'r');
    try {
      const { size } = fstatSync(descriptor);
      // a log that was emptied meanwhile starts at 0 again
      const start = Math.max(size < from ? 0 : from, size - bytesMax);
      const buffer = Buffer.alloc(size - start);
      readSync(descriptor, buffer, 0, buffer.length, start);
      return buffer.toString('utf8').split('\n');
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return [];
  }
}
