import { type Logger, pino } from 'pino';

export type Log = Logger;

/** One JSON line an event on stdout. Secrets and personal data are never logged. */
export function createLog(id: string, level = process.env['DOORBUSTER_LOG_LEVEL'] ?? 'info'): Log {
  return pino({
    level,
    base: { id },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: ['*.password', '*.authorization', '*.cookie', '*.email', '*.token'],
  });
}
