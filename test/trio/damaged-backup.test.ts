/** Backups that are damaged, foreign or of another version are refused before any writing. */
import { hash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { backUp } from '../../src/services/supervisor/backup/backup.ts';
import {
  BackupRefused,
  type Manifest,
  manifestName,
} from '../../src/services/supervisor/backup/manifest.ts';
import { reasonOf } from '../../src/services/supervisor/backup/reason.ts';
import { restore, verified } from '../../src/services/supervisor/backup/restore.ts';
import { TrioFixture } from './trio-fixture.ts';

const shop = new TrioFixture();
const work = mkdtempSync(path.join(os.tmpdir(), 'doorbuster-backup-'));
const backup = path.join(work, 'backup');
const home = path.join(work, 'home');
let files: string[] = [];

beforeAll(async () => {
  await shop.start();
  const client = shop.connection(shop.leader.node.port);
  await client.connect();
  await client.query('create table promised (id bigint primary key)');
  await client.query('insert into promised select generate_series(1, 1000)');
  await client.end();
  await backUp({ home: shop.home, target: backup, now: new Date() });
  await shop.close();
  files = readManifestFile().files.map((file) => file.path);
}, 60_000);

afterAll(async () => {
  await shop[Symbol.asyncDispose]();
  rmSync(work, { recursive: true, force: true });
}, 30_000);

function readManifestFile(): Manifest {
  return JSON.parse(readFileSync(path.join(backup, manifestName), 'utf8'));
}

/** The one that is not empty, so that there is something to cut. */
function fileLike(pattern: RegExp): string {
  const found = files.find((file) => pattern.test(file) && readFileSync(place(file)).length > 0);
  if (found === undefined) throw new Error(`the backup has no ${pattern}`);
  return place(found);
}

function place(file: string): string {
  return path.join(backup, file);
}

const kinds: Readonly<Record<string, () => string>> = {
  'a table': () => fileLike(/^data\/base\/\d+\/\d+$/),
  'a segment of the log': () => fileLike(/^data\/pg_wal\/[0-9A-F]{24}$/),
  pg_control: () => place('data/global/pg_control'),
  'the secrets': () => place('secrets.json'),
  'the manifest': () => place(manifestName),
};

const damages: Readonly<Record<string, (file: string) => void>> = {
  cut: (file) => truncateSync(file, Math.floor(readFileSync(file).length / 2)),
  flipped: (file) => {
    const bytes = readFileSync(file);
    const middle = Math.floor(bytes.length / 2);
    // also where the byte is a digit of the manifest, it stays a digit: JSON all the same
    bytes[middle] = (bytes[middle] ?? 0) ^ 1;
    writeFileSync(file, bytes);
  },
  missing: (file) => rmSync(file),
};

const cases = Object.keys(kinds).flatMap((kind) =>
  Object.keys(damages).map((damage) => [kind, damage] as const),
);

async function expectRefused(reason: RegExp): Promise<void> {
  const refused = await restore({ source: backup, home }).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(BackupRefused);
  expect((refused as Error).message).toMatch(reason);
  await expect(verified(backup, false)).rejects.toThrow((refused as Error).message);
  expect(existsSync(home)).toBe(false);
}

test.each(cases)('%s, %s: the backup is refused', async (kind, damage) => {
  const file = kinds[kind]?.() ?? '';
  const before = readFileSync(file);
  try {
    damages[damage]?.(file);
    const name = path.relative(backup, file);
    const words = { cut: 'bytes instead of', flipped: 'was changed', missing: 'is missing' }[
      damage
    ];
    await expectRefused(
      name === manifestName
        ? /backup\.json is (missing|damaged)/
        : new RegExp(`${backup} is damaged: ${name} .*${words}`),
    );
  } finally {
    writeFileSync(file, before);
  }
});

/** As somebody would write it who knows how: the checksum fits. */
function manifestWith(changes: Partial<Manifest>): string {
  const { checksum, ...manifest } = readManifestFile() as Manifest & { checksum: string };
  const changed = { ...manifest, ...changes };
  return JSON.stringify({ checksum: hash('sha256', JSON.stringify(changed)), ...changed });
}

test.each([
  ['foreign', () => '{"name": "another program", "version": 3}', /not that of a backup/],
  ['of an earlier version', () => format1(), /earlier version.*--unverified/],
  ['of a newer version', () => manifestWith({ format: 3 }), /newer version.*Update/],
  ['of a newer schema', () => manifestWith({ schemas: { orders: 9_999 } }), /orders may be at/],
  ['of another PostgreSQL', () => manifestWith({ postgresVersion: 14 }), /PostgreSQL 14/],
  ['of another backup', () => manifestOfAnother(), /is damaged: .* was changed/],
])('%s: the backup is refused', async (_, text, reason) => {
  const file = path.join(backup, manifestName);
  const before = readFileSync(file);
  try {
    writeFileSync(file, text());
    await expectRefused(reason);
  } finally {
    writeFileSync(file, before);
  }
});

function format1(): string {
  const { at, epoch, lsn } = readManifestFile();
  return JSON.stringify({ format: 1, at, epoch, lsn, postgresVersion: 180_004 });
}

function manifestOfAnother(): string {
  const [first, ...others] = readManifestFile().files;
  if (first === undefined) throw new Error('a backup has files');
  return manifestWith({ files: [{ ...first, sha256: '0'.repeat(64) }, ...others] });
}

test('a whole backup verifies; what lies beside its files is not restored', async () => {
  const stray = place('data/standby.signal');
  writeFileSync(stray, '');
  try {
    await verified(backup, false);
    await using restored = new TrioFixture();
    await restore({ source: backup, home: restored.home });
    expect(existsSync(restored.place('pg-1', 'data', 'standby.signal'))).toBe(false);
    await restored.start();
    expect(await restored.rows(restored.leader.node.port)).toHaveLength(1_000);
  } finally {
    rmSync(stray);
  }
}, 60_000);

test('a backup of an earlier version is restored where that is asked for', async () => {
  const file = path.join(backup, manifestName);
  const before = readFileSync(file);
  try {
    writeFileSync(file, format1());
    await using restored = new TrioFixture();
    await restore({ source: backup, home: restored.home, acceptsUnverified: true });
    expect(existsSync(restored.place('leadership.json'))).toBe(true);
  } finally {
    writeFileSync(file, before);
  }
}, 60_000);

test('what PostgreSQL cannot start from is said in its words, and nothing is left', async () => {
  const file = fileLike(/^data\/backup_label$/);
  const manifest = path.join(backup, manifestName);
  const [before, manifestBefore] = [readFileSync(file), readFileSync(manifest)];
  try {
    writeFileSync(file, 'nonsense\n');
    writeFileSync(manifest, format1());
    const restored = restore({ source: backup, home, acceptsUnverified: true });
    await expect(restored).rejects.toThrow(/cannot start from this backup: .*backup_label/);
    expect(readdirSync(home).sort()).toEqual(['logs', 'run']);
  } finally {
    writeFileSync(file, before);
    writeFileSync(manifest, manifestBefore);
    rmSync(home, { recursive: true, force: true });
  }
}, 60_000);

test('a stopped shop is backed up too, and is held meanwhile', async () => {
  const target = path.join(work, 'of a stopped shop');
  const whileCopying: string[] = [];
  await backUp({
    home: shop.home,
    target,
    now: new Date(),
    onProgress: () => whileCopying.push(String(existsSync(lockOf(shop.home)))),
  });
  expect(whileCopying[0]).toBe('true');
  expect(existsSync(lockOf(shop.home))).toBe(false);
  await using restored = new TrioFixture();
  await restore({ source: target, home: restored.home });
  await restored.start();
  expect(await restored.rows(restored.leader.node.port)).toHaveLength(1_000);
}, 60_000);

function lockOf(place: string): string {
  return path.join(place, 'run', 'supervisor.json');
}

test('a backup that ends early leaves nothing, also in a folder of others', async () => {
  const mine = path.join(work, 'mine');
  const theirs = path.join(work, 'theirs');
  mkdirSync(theirs);
  for (const target of [mine, theirs]) {
    const stopped = new AbortController();
    const options = { home: shop.home, target, now: new Date(), signal: stopped.signal };
    const made = backUp({ ...options, onProgress: () => stopped.abort() });
    const error = await made.catch((each: unknown) => each);
    expect(reasonOf(error)).toContain('Stopped');
  }
  expect(existsSync(mine)).toBe(false);
  expect(readdirSync(theirs)).toEqual([]);
});

test('the rest of a backup whose process was killed is replaced by the next', async () => {
  const target = path.join(work, 'killed');
  cpSync(path.join(backup, 'data', 'global'), path.join(target, 'data', 'global'), {
    recursive: true,
  });
  writeFileSync(path.join(target, 'unfinished.json'), '{"pid": 1, "startTime": "of before"}');
  await expect(restore({ source: target, home })).rejects.toThrow('no whole backup');
  await backUp({ home: shop.home, target, now: new Date() });
  await verified(target, false);
});

test('a target among the databases is refused, also by way of a link', async () => {
  const data = path.join(shop.home, 'pg');
  const link = path.join(work, 'link');
  symlinkSync(data, link);
  for (const target of [data, path.join(data, 'a', 'b'), path.join(link, 'backup')]) {
    const made = backUp({ home: shop.home, target, now: new Date() });
    await expect(made).rejects.toThrow('lies within the databases');
  }
  expect(readdirSync(data)).not.toContain('a');
});

test('a restore that was killed is begun anew, and no other shop is overwritten', async () => {
  await using restored = new TrioFixture();
  mkdirSync(path.join(restored.home, 'pg'));
  await expect(restore({ source: backup, home: restored.home })).rejects.toThrow('holds a shop');
  writeFileSync(path.join(restored.home, 'restore-unfinished'), backup);
  await restore({ source: backup, home: restored.home });
  expect(readdirSync(restored.home)).not.toContain('restore-unfinished');
  expect(existsSync(restored.place('leadership.json'))).toBe(true);
}, 60_000);

test('a shop that is begun while a backup is verified is not touched', async () => {
  await using other = new TrioFixture();
  const file = path.join(other.home, 'pg', 'PG_VERSION');
  const onProgress = (): void => {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, '18');
  };
  const restored = restore({ source: backup, home: other.home, onProgress });
  await expect(restored).rejects.toThrow('holds a shop');
  expect(readFileSync(file, 'utf8')).toBe('18');
}, 60_000);

test('words of the system are said in plain ones', () => {
  const file = path.join(work, 'gone');
  let error: unknown;
  try {
    renameSync(file, `${file}.new`);
  } catch (caught) {
    error = caught;
  }
  expect(reasonOf(error)).toBe(`${file} is not there.`);
  expect(reasonOf(Object.assign(new Error('write'), { code: 'ENOSPC' }))).toContain('disk is full');
  expect(reasonOf(Object.assign(new Error(''), { code: 'ECONNREFUSED' }))).toContain('try again');
});
