/**
 * One audit log out of several: each service keeps its own, newest first, and a page here is the
 * newest of all of them below a cursor. Pure: what the services answered comes in.
 *
 * Sources are paged by time, and times repeat. So a cursor is the millisecond *behind* the last
 * entry shown, plus the entries of that millisecond which were shown already. A source that gave
 * as many entries as it was asked for may have more, so nothing older than its last one is shown
 * before it has been asked again.
 */
import type { AuditEntry } from '../../api/admin-customer.ts';

export interface AuditItem extends AuditEntry {
  readonly service: string;
}

export interface AuditCursor {
  /** Milliseconds since the epoch: entries shown are older than this. */
  readonly before: number;
  /** `service:id` of entries in the millisecond before it that were shown. */
  readonly shown: readonly string[];
}

export interface AuditSource {
  readonly service: string;
  readonly entries: readonly AuditEntry[];
  /** Whether it gave all that it was asked for, and may have more. */
  readonly mayHaveMore: boolean;
}

export interface AuditPage {
  readonly items: readonly AuditItem[];
  readonly next: AuditCursor | null;
}

/** Before every entry: later than any time that a service can tell. */
export const newest: AuditCursor = { before: Date.UTC(9999, 0), shown: [] };

const keyOf = (item: AuditItem) => `${item.service}:${item.id}`;
const timeOf = (entry: AuditEntry) => Date.parse(entry.at);

function newestFirst(a: AuditItem, b: AuditItem): number {
  return timeOf(b) - timeOf(a) || (keyOf(a) < keyOf(b) ? -1 : 1);
}

export function mergeAuditLogs(
  sources: readonly AuditSource[],
  cursor: AuditCursor,
  limit: number,
): AuditPage {
  const horizons = sources.flatMap(({ entries, mayHaveMore }) => {
    const last = entries.at(-1);
    return mayHaveMore && last !== undefined ? [timeOf(last)] : [];
  });
  const horizon = Math.max(Number.NEGATIVE_INFINITY, ...horizons);
  const shown = new Set(cursor.shown);
  const known = sources
    .flatMap(({ service, entries }) => entries.map((entry) => ({ ...entry, service })))
    .filter((item) => timeOf(item) >= horizon && !shown.has(keyOf(item)))
    .sort(newestFirst);
  const items = known.slice(0, limit);
  const isLast = items.length === known.length && horizons.length === 0;
  return { items, next: isLast ? null : cursorBehind(items, cursor) };
}

function cursorBehind(items: readonly AuditItem[], cursor: AuditCursor): AuditCursor | null {
  const last = items.at(-1);
  if (last === undefined) return null; // a millisecond with more entries than a source can give
  const time = timeOf(last);
  const before = time + 1;
  const together = items.filter((item) => timeOf(item) === time).map(keyOf);
  return { before, shown: before === cursor.before ? [...cursor.shown, ...together] : together };
}

export function encodeCursor({ before, shown }: AuditCursor): string {
  return [before, ...shown].join(',');
}

/** Null for text that no cursor of ours could be. */
export function decodeCursor(text: string): AuditCursor | null {
  const [before, ...shown] = text.split(',');
  if (before === undefined || !/^\d{1,15}$/.test(before)) return null;
  return { before: Math.min(Number(before), newest.before), shown };
}
