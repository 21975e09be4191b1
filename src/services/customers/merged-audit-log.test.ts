import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type AuditCursor,
  type AuditItem,
  decodeCursor,
  encodeCursor,
  mergeAuditLogs,
  newest,
} from './merged-audit-log.ts';

const services = ['catalog', 'customers', 'orders'];

/** Logs with many equal times: whole milliseconds, few of them. */
const logs = fc.tuple(
  ...services.map((service) =>
    fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 12 }).map((times) =>
      times
        .toSorted((a, b) => b - a)
        .map((ms, index): AuditItem => {
          const at = new Date(1_700_000_000_000 + ms).toISOString();
          return { service, id: `${index}`, at, actor: '', action: '', subject: '', detail: {} };
        }),
    ),
  ),
);

/** Each service gives its newest `most` entries before the cursor. */
function pageOf(all: AuditItem[][], cursor: AuditCursor, limit: number, most: number) {
  const sources = all.map((items, index) => {
    const below = items.filter((item) => Date.parse(item.at) < cursor.before);
    const entries = below.slice(0, most);
    const service = services[index] ?? '';
    return { service, entries, mayHaveMore: entries.length >= most };
  });
  return mergeAuditLogs(sources, cursor, limit);
}

test('paging shows every entry once, newest first, however many share a millisecond', () => {
  const most = 13; // more than a service has in one millisecond
  fc.assert(
    fc.property(logs, fc.integer({ min: 1, max: 10 }), (all, limit) => {
      const seen: AuditItem[] = [];
      let cursor: AuditCursor | null = newest;
      while (cursor !== null) {
        const page = pageOf(all, cursor, limit, most);
        expect(page.items.length).toBeLessThanOrEqual(limit);
        seen.push(...page.items);
        cursor = page.next === null ? null : decodeCursor(encodeCursor(page.next));
      }
      const keys = (items: readonly AuditItem[]) => items.map(({ service, id }) => service + id);
      expect(keys(seen).sort()).toEqual(keys(all.flat()).sort());
      const times = seen.map((item) => Date.parse(item.at));
      expect(times).toEqual(times.toSorted((a, b) => b - a));
    }),
  );
});

test('nothing is shown before what a full source may still have', () => {
  const at = (second: number) => new Date(second * 1_000).toISOString();
  const entry = (id: string, second: number) => ({
    ...{ id, at: at(second), actor: '', action: '', subject: '', detail: {} },
  });
  const page = mergeAuditLogs(
    [
      { service: 'catalog', entries: [entry('9', 9), entry('8', 8)], mayHaveMore: true },
      { service: 'orders', entries: [entry('1', 1)], mayHaveMore: false },
    ],
    newest,
    10,
  );
  expect(page.items.map(({ id }) => id)).toEqual(['9', '8']);
  expect(page.next).toEqual({ before: 8_001, shown: ['catalog:8'] });
});

test('text that is no cursor is none', () => {
  for (const text of ['', ',', 'x', '-1', '1.5', '1e3', ' 1', '9'.repeat(16)]) {
    expect(decodeCursor(text)).toBe(null);
  }
});
