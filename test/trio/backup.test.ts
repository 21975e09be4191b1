import { existsSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { backUp } from '../../src/services/supervisor/backup/backup.ts';
import { restore } from '../../src/services/supervisor/backup/restore.ts';
import {
  backupName,
  isBackupName,
  msUntilDue,
  readRetention,
  superfluous,
  timeOfBackup,
} from '../../src/services/supervisor/backup/schedule.ts';
import { TrioFixture, Writer } from './trio-fixture.ts';

const hour = 3_600_000;

test('a backup made while rows are written holds all that were acknowledged before', async () => {
  await using shop = new TrioFixture();
  await using restored = new TrioFixture();
  await shop.start();
  const client = shop.connection(shop.leader.node.port);
  await client.connect();
  await client.query('create table promised (id bigint primary key)');
  await client.end();
  const writer = new Writer(shop, 1);
  await writer.more(50);
  const before = [...writer.acknowledged];
  const target = path.join(shop.home, 'a backup');
  const home = shop.home;
  await backUp({ home, target, now: new Date() });
  await writer.more(50);
  await writer.stop();
  await expect(backUp({ home, target, now: new Date() })).rejects.toThrow('is not empty');
  expect(existsSync(path.join(target, 'backup.json'))).toBe(true);
  const written = await shop.rows(shop.leader.node.port);

  await expect(restore({ source: target, home })).rejects.toThrow('holds a shop already');
  await restore({ source: target, home: restored.home });
  await restored.start();
  const copies = await restored.copies();
  for (const rows of copies) {
    const held = new Set(rows);
    expect(before.filter((id) => !held.has(id))).toEqual([]);
    // Nothing but what was written, up to one instant: no hole before the last row.
    expect(rows).toEqual(written.slice(0, rows.length));
  }
  expect(restored.trio.leadership.voters).toHaveLength(2);
  const later = new Writer(restored, 1_000_000);
  await later.more(10);
  await later.stop();
}, 240_000);

test('the next backup is due one interval after the newest whole one', () => {
  const first = backupName(new Date('2026-01-01T00:00:00.000Z'));
  const second = backupName(new Date('2026-01-02T00:00:00.000Z'));
  expect(isBackupName(first)).toBe(true);
  expect(timeOfBackup(second)).toBe(Date.parse('2026-01-02T00:00:00Z'));
  expect(msUntilDue([], 0, hour)).toBe(0);
  expect(msUntilDue([first, second], Date.parse('2026-01-02T00:20:00Z'), hour)).toBe(40 * 60_000);
  expect(msUntilDue([second], Date.parse('2026-01-09T00:00:00Z'), hour)).toBe(0);
});

const byNewest = { newest: 2, days: 0, weeks: 0, months: 0 };

test('retention removes the oldest of ours, never the newest, never what is not ours', () => {
  const names = [1, 2, 3, 4].map((day) => backupName(new Date(Date.UTC(2026, 0, day))));
  expect(superfluous([...names, 'holiday-pictures'], byNewest)).toEqual(names.slice(0, 2));
  expect(superfluous(names, { ...byNewest, newest: 0 })).toEqual(names.slice(0, 3));
  expect(superfluous(names.slice(0, 1), { ...byNewest, newest: 7 })).toEqual([]);
});

test('retention keeps the newest of each of the last days, weeks and months', () => {
  // every six hours for 100 days, until Wednesday, 25 November 2026
  const last = Date.UTC(2026, 10, 25, 18);
  const names = Array.from({ length: 400 }, (_, index) =>
    backupName(new Date(last - index * 6 * hour)),
  );
  const removed = new Set(superfluous(names, readRetention('2, 3 days, 2 weeks, 3 months')));
  const kept = names.filter((name) => !removed.has(name)).map((name) => name.slice(7, 20));
  expect(kept).toEqual([
    '2026-11-25T18',
    '2026-11-25T12',
    '2026-11-24T18',
    '2026-11-23T18',
    '2026-11-22T18', // Sunday, the end of last week
    '2026-10-31T18',
    '2026-09-30T18',
  ]);
});

test.each(['0', '', 'many', '7 years', '-1', '3 days 4 weeks'])('"%s" is no retention', (text) => {
  expect(() => readRetention(text)).toThrow('must be');
});
