import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { restore, verified } from '../../src/services/supervisor/backup/restore.ts';
import { isBackupName } from '../../src/services/supervisor/backup/schedule.ts';
import {
  readSchedule,
  ScheduledBackups,
} from '../../src/services/supervisor/backup/scheduled-backups.ts';
import { TrioFixture } from './trio-fixture.ts';

const shop = new TrioFixture();
const work = mkdtempSync(path.join(os.tmpdir(), 'doorbuster-schedule-'));
const first = path.join(work, 'first');
const second = path.join(work, 'second');
const reported: string[] = [];
const log = pino({ level: 'silent' });

beforeAll(async () => {
  await shop.start();
  const client = shop.connection(shop.leader.node.port);
  await client.connect();
  await client.query('create table promised (id bigint primary key)');
  await client.query('insert into promised values (1)');
  await client.end();
}, 60_000);

afterAll(async () => {
  await shop[Symbol.asyncDispose]();
  rmSync(work, { recursive: true, force: true });
}, 30_000);

function start(env: Record<string, string>): ScheduledBackups {
  const schedule = readSchedule({ DOORBUSTER_BACKUP_FOLDER: first, ...env });
  if (schedule === null) throw new Error('a folder switches backups on');
  const { home } = shop;
  return new ScheduledBackups({
    schedule,
    home,
    log,
    report: (sentence) => reported.push(sentence),
  });
}

function backupsIn(folder: string): string[] {
  const names = existsSync(folder) ? readdirSync(folder).filter(isBackupName) : [];
  return names.filter((name) => existsSync(path.join(folder, name, 'backup.json')));
}

test('a backup goes to two places, with the log behind it; a lost place is reported', async () => {
  mkdirSync(second);
  const env = { DOORBUSTER_BACKUP_SECOND_FOLDER: second, DOORBUSTER_LOG_ARCHIVE: 'on' };
  const backups = start(env);
  await shop.until('two copies', () => backupsIn(second).length > 0, 90_000);
  expect(backupsIn(first)).toEqual(backupsIn(second));
  const [name = ''] = backupsIn(second);
  const { archive } = await verified(path.join(second, name), false);
  for (const place of [first, second]) {
    const folder = path.join(place, 'log-archive', archive ?? '');
    // every few seconds the unfinished segment is replaced by its newer state
    await shop.until(
      'the unfinished segment is archived',
      () => existsSync(folder) && readdirSync(folder).some((file) => file.includes('.partial.')),
      30_000,
    );
  }
  backups.close();
  expect(reported).toEqual([]);
  await using restored = new TrioFixture();
  await restore({ source: second, home: restored.home, until: 'latest' });
  expect(existsSync(restored.place('leadership.json'))).toBe(true);

  rmSync(second, { recursive: true });
  const later = start({ DOORBUSTER_BACKUP_SECOND_FOLDER: second });
  await shop.until('words', () => reported.length > 0);
  later.close();
  expect(reported).toEqual([
    expect.stringMatching(/backup failed: .*is not there: is its disk mounted/),
  ]);
  expect(backupsIn(first)).toEqual([name]); // the next one is not due yet
}, 150_000);

test('why a backup failed is reported in its own words', async () => {
  reported.length = 0;
  const inside = path.join(shop.home, 'pg', 'backups');
  const backups = start({ DOORBUSTER_BACKUP_FOLDER: inside });
  await shop.until('words', () => reported.length > 0, 60_000);
  backups.close();
  expect(reported[0]).toMatch(/backup failed: .*lies within the databases.*It is tried again/);
  expect(existsSync(inside)).toBe(false);
}, 90_000);
