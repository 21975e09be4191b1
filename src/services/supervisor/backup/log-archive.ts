/**
 * The archive of the log (WAL): `log-archive/ID` beside the backups, with a file for each segment
 * and each history of a timeline, compressed (zstd). A file's name ends in the SHA-256 of what is
 * in it, so that a damaged one is known; `.partial` is the segment that is still being written.
 *
 * An archive has no hole: where segments were lost, another one begins, with a backup of its own.
 * A shop that is restored begins another one, too.
 */
import { hash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import { replaceFile } from '../stored-file.ts';
import { BackupRefused, type Manifest, sha256Of } from './manifest.ts';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);
const form = /^([0-9A-F]{24}|[0-9A-F]{8}\.history)(\.partial)?\.([0-9a-f]{64})$/;

export interface ArchivedFile {
  /** As PostgreSQL calls it. */
  readonly name: string;
  readonly isPartial: boolean;
  readonly sha256: string;
  readonly place: string;
}

/** The archive that this home writes; null where it never wrote one. */
export function archiveId(home: string): string | null {
  const file = path.join(home, 'archive-id');
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : null;
}

export function beginArchive(home: string): string {
  const id = randomBytes(8).toString('hex');
  replaceFile(path.join(home, 'archive-id'), `${id}\n`);
  return id;
}

export function archiveFolder(backups: string, id: string): string {
  return path.join(backups, 'log-archive', id);
}

export async function archivedFiles(folder: string): Promise<ArchivedFile[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names.flatMap((each) => {
    const [, name, partial, sha256] = form.exec(each) ?? [];
    if (name === undefined || sha256 === undefined) return [];
    return [{ name, isPartial: partial !== undefined, sha256, place: path.join(folder, each) }];
  });
}

/** Writes a copy, durably and in one step, and returns where. The folder exists. */
export async function archive(source: string, folder: string, isPartial: boolean): Promise<string> {
  const bytes = await compress(await readFile(source));
  const name = path.basename(source);
  const place = path.join(folder, `${name}${isPartial ? '.partial' : ''}.${hash('sha256', bytes)}`);
  const temporary = path.join(folder, `${name}.new`);
  const handle = await open(temporary, 'w', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, place);
  return place;
}

/** Writes what was archived as PostgreSQL had written it, into a folder. */
export async function unarchive({ place, name }: ArchivedFile, folder: string): Promise<string> {
  const target = path.join(folder, name);
  await writeFile(target, await decompress(await readFile(place)), { mode: 0o600 });
  return target;
}

/** Of a segment's name; its number depends on the size of the segments. */
export function timelineOf(name: string): number {
  return Number.parseInt(name.slice(0, 8), 16);
}

export function segmentNumber(name: string, segmentBytes: number): number {
  const perLog = 2 ** 32 / segmentBytes;
  return Number.parseInt(name.slice(8, 16), 16) * perLog + Number.parseInt(name.slice(16, 24), 16);
}

/** Where each ancestor of a timeline ends, as numbers of segments, from its history file. */
export function ancestorsOf(history: string, segmentBytes: number): Map<number, number> {
  const lines = [...history.matchAll(/^\s*(\d+)\s+([0-9A-F]+)\/([0-9A-F]+)/gm)];
  return new Map(
    lines.map(([, timeline, high = '0', low = '0']) => {
      const lsn = Number.parseInt(high, 16) * 2 ** 32 + Number.parseInt(low, 16);
      return [Number(timeline), Math.floor(lsn / segmentBytes)];
    }),
  );
}

/**
 * What of the archive continues a backup, verified and without a hole. Throws `BackupRefused`.
 * `backups`: the folder with the backup and its archive.
 */
export async function continuation(backups: string, manifest: Manifest): Promise<ArchivedFile[]> {
  const { archive: id, firstSegment, files } = manifest;
  if (id === null || firstSegment === null) {
    throw new BackupRefused(
      'This backup has no archived log: it can be restored as it is, without --until.',
    );
  }
  const inBackup = files.filter((file) => /^data\/pg_wal\/[0-9A-F]{24}$/.test(file.path));
  const segmentBytes = inBackup[0]?.bytes ?? 0;
  const numberOf = (name: string): number => segmentNumber(name, segmentBytes);
  const archived = await archivedFiles(archiveFolder(backups, id));
  const histories = archived.filter(({ name }) => name.endsWith('.history'));
  // the end of a backup ends its segment: what it has of the log is whole, an archived part is not
  const whole = new Set([
    ...inBackup.map((file) => path.posix.basename(file.path)),
    ...archived.flatMap(({ name, isPartial }) => (isPartial || name.includes('.') ? [] : [name])),
  ]);
  const segments = archived
    .filter(({ name, isPartial }) => !name.includes('.') && !(isPartial && whole.has(name)))
    .filter(({ name }) => numberOf(name) >= numberOf(firstSegment));
  for (const each of [...histories, ...segments]) await verifyArchived(each);
  const ends = [...whole, ...segments.map(({ name }) => name)];
  const timeline = Math.max(...ends.map(timelineOf));
  const expected = await timelineAt(timeline, histories, segmentBytes);
  const last = Math.max(
    ...ends.filter((name) => expected(numberOf(name)) === timelineOf(name)).map(numberOf),
  );
  const present = new Set([...whole].map((name) => `${timelineOf(name)} ${numberOf(name)}`));
  for (let number = numberOf(firstSegment); number < last; number += 1) {
    if (present.has(`${expected(number)} ${number}`)) continue;
    throw new BackupRefused(
      `The archived log has a hole: segment ${number} of timeline ${expected(number)} is missing ` +
        `in ${archiveFolder(backups, id)}. Restore without --until, or from another backup.`,
    );
  }
  return [...histories, ...segments];
}

async function verifyArchived({ place, sha256 }: ArchivedFile): Promise<void> {
  const found = await sha256Of(place);
  if (found?.sha256 === sha256) return;
  throw new BackupRefused(`${place} is damaged: the archived log ends before it.`);
}

/** Which timeline a segment must be of, to be of the history of that one. */
async function timelineAt(
  timeline: number,
  histories: readonly ArchivedFile[],
  segmentBytes: number,
): Promise<(segment: number) => number> {
  const file = histories.find(({ name }) => timelineOf(name) === timeline);
  const text = file === undefined ? '' : String(await decompress(await readFile(file.place)));
  const ancestors = [...ancestorsOf(text, segmentBytes)].sort(([a], [b]) => a - b);
  return (segment) => ancestors.find(([, end]) => segment < end)?.[0] ?? timeline;
}

/** Removes what no backup needs; `manifests` are those of all backups that stay. */
export async function pruneArchives(
  backups: string,
  manifests: readonly Manifest[],
  current: string | null,
): Promise<void> {
  const root = path.join(backups, 'log-archive');
  const ids = await readdir(root).catch(() => []);
  for (const id of ids) {
    const firsts = manifests
      .filter((each) => each.archive === id)
      .flatMap(({ firstSegment }) => (firstSegment === null ? [] : [firstSegment.slice(8)]))
      .sort();
    const [first] = firsts;
    if (first === undefined) {
      if (id !== current) await rm(path.join(root, id), { recursive: true, force: true });
      continue;
    }
    for (const { name, place } of await archivedFiles(path.join(root, id))) {
      if (!name.includes('.') && name.slice(8) < first) await rm(place, { force: true });
    }
  }
}
