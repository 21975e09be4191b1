/** The log of a process: JSON lines, on stdout or in a file. */
import { type Logger, pino } from 'pino';

export type Log = Logger;

/** One JSON line per event. Secrets and personal data are never logged. */
export function createLog(
  id: string,
  level = process.env['DOORBUSTER_LOG_LEVEL'] ?? 'info',
  file?: string,
): Log {
  const options = {
    level,
    base: { id },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: ['*.password', '*.authorization', '*.cookie', '*.email', '*.token'],
  };
  const destination = pino.destination({ dest: file ?? 1, sync: file !== undefined });
  destination.on('error', () => {}); // a full disk loses log lines, and the process goes on
  return pino(options, destination);
}
