/** The archived log: a shop is restored as it was at any time, over changes of the leader. */
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { backUp } from '../../src/services/supervisor/backup/backup.ts';
import { archiveFolder, archiveId } from '../../src/services/supervisor/backup/log-archive.ts';
import { LogArchiver } from '../../src/services/supervisor/backup/log-archiver.ts';
import { recoveryPoint } from '../../src/services/supervisor/backup/recovery.ts';
import { restore } from '../../src/services/supervisor/backup/restore.ts';
import { backupName } from '../../src/services/supervisor/backup/schedule.ts';
import { TrioFixture } from './trio-fixture.ts';

const shop = new TrioFixture();
const backups = mkdtempSync(path.join(os.tmpdir(), 'doorbuster-log-'));
const said: string[] = [];
const times: Record<string, string> = {};
const archiver = new LogArchiver({
  home: shop.home,
  places: [backups],
  everyMs: 1_000,
  say: (sentence) => said.push(sentence),
});

async function sql(text: string): Promise<string> {
  const client = shop.connection(shop.leader.node.port);
  await client.connect();
  try {
    const { rows } = await client.query(text);
    return String(Object.values(rows[0] ?? { none: '' })[0]);
  } finally {
    await client.end();
  }
}

/** After everything that was committed before, and before everything that comes. */
const timeOfDatabase = () =>
  sql(`select to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`);

/** More than a segment of 2 MB. */
const fillSegment = () =>
  sql(`insert into filler select repeat(md5(random()::text), 60) from generate_series(1, 2000)`);

beforeAll(async () => {
  await shop.start();
  await sql('create table promised (id bigint primary key)');
  await sql('create table filler (text text)');
  await archiver.round();
  const at = new Date();
  times['before'] = new Date(at.getTime() - 60_000).toISOString();
  await backUp({ home: shop.home, target: path.join(backups, backupName(at)), now: at });
  await fillSegment();
  await archiver.round();
  await sql('insert into promised values (1)');
  times['first'] = await timeOfDatabase();
  await sql('insert into promised values (2)');
  await fillSegment();
  await archiver.round();
  const [next] = shop.followers;
  shop.trio.handOver(next?.node.id ?? '');
  await shop.until('another leader', () => shop.trio.leadership.leader === next?.node.id);
  await shop.whole();
  await sql('insert into promised values (3)');
  times['third'] = await timeOfDatabase();
  await fillSegment();
  await sql('insert into promised values (4)');
  await archiver.round().catch(() => archiver.round()); // its session was with the old leader
  await shop.close();
}, 120_000);

afterAll(async () => {
  await shop[Symbol.asyncDispose]();
  rmSync(backups, { recursive: true, force: true });
}, 30_000);

const folder = () => archiveFolder(backups, archiveId(shop.home) ?? '');

test.each([
  ['between two orders', () => times['first'] ?? '', [1]],
  ['behind a change of the leader', () => times['third'] ?? '', [1, 2, 3]],
  ['to its end', () => 'latest', [1, 2, 3, 4]],
])(
  'the log is replayed %s',
  async (_, time, rows) => {
    await using restored = new TrioFixture();
    await restore({ source: backups, home: restored.home, until: recoveryPoint(time()) });
    await restored.start();
    expect(await restored.rows(restored.leader.node.port)).toEqual(rows);
    expect(archiveId(restored.home)).toBeNull();
  },
  90_000,
);

test('times that the log does not reach, or that lie before all backups, are refused', async () => {
  const home = path.join(backups, 'restored');
  const until = recoveryPoint(new Date(Date.now() + 3_600_000).toISOString());
  await expect(restore({ source: backups, home, until })).rejects.toThrow('log ends before that');
  expect(readdirSync(home).sort()).toEqual(['logs', 'run']);
  rmSync(home, { recursive: true });
  const before = recoveryPoint(times['before'] ?? '');
  const refused = restore({ source: backups, home, until: before });
  await expect(refused).rejects.toThrow('no backup that was made before');
  expect(() => recoveryPoint('yesterday-ish')).toThrow('is no time');
}, 60_000);

test('a hole in the log and a damaged segment are refused before anything is written', async () => {
  const home = path.join(backups, 'never');
  const names = readdirSync(folder()).filter((name) => /^[0-9A-F]{24}\.[0-9a-f]{64}$/.test(name));
  const place = path.join(folder(), names.sort().at(-2) ?? '');
  const attempt = () => restore({ source: backups, home, until: 'latest' });
  renameSync(place, `${place}.away`);
  await expect(attempt()).rejects.toThrow('has a hole');
  renameSync(`${place}.away`, place);
  const bytes = readFileSync(place);
  writeFileSync(place, bytes.subarray(0, bytes.length / 2));
  await expect(attempt()).rejects.toThrow('is damaged');
  writeFileSync(place, bytes);
  expect(readdirSync(backups)).not.toContain('never');
}, 60_000);

test('nothing was said while all went well', () => {
  expect(said).toEqual([]);
});
