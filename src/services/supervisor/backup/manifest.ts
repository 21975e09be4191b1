/**
 * What a backup consists of: `backup.json` names each file with its size and SHA-256, and has a
 * checksum of its own. It is written last, so a backup without one is not whole. Nothing is
 * restored before everything has been compared with it.
 */
import { createHash, hash } from 'node:crypto';
import { createReadStream, readdirSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { databases } from '../postgres/bootstrap.ts';
import { sideBySide } from '../side-by-side.ts';
import { replaceFile } from '../stored-file.ts';

export const manifestName = 'backup.json';
/** Lies beside what is not whole yet, and names the process that makes it. */
export const unfinishedName = 'unfinished.json';
const format = 2;
const filesAtOnce = 8;
const namedMax = 5;

export interface BackupFile {
  /** Below the backup, with `/` on every system. */
  readonly path: string;
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** What the maker of a backup knows of it. */
export interface BackupFacts {
  /** The shop is that of this time, ISO 8601, or a moment later. */
  readonly at: string;
  readonly epoch: number;
  /** The place of the log that must be reached; null where the shop stood still. */
  readonly lsn: string | null;
  /** Name of the segment of the log with which recovery begins; null where the shop stood still. */
  readonly firstSegment: string | null;
  /** The log archive that continues it; null where nothing is archived. */
  readonly archive: string | null;
  /** Major version. */
  readonly postgresVersion: number;
}

export interface Manifest extends BackupFacts {
  readonly format: number;
  /** The newest migration of each database that this version of the shop knows. */
  readonly schemas: Readonly<Record<string, number>>;
  /** Also the empty ones, without which PostgreSQL does not start. */
  readonly folders: readonly string[];
  readonly files: readonly BackupFile[];
}

/** A backup that is not restored, with the reason as a sentence. */
export class BackupRefused extends Error {
  override readonly name = 'BackupRefused';
}

export type OnProgress = (bytes: number, bytesTotal: number) => void;

/** Of the code that runs. */
export function knownSchemas(): Record<string, number> {
  const newest = (name: string): number => {
    const folder = path.join(import.meta.dirname, '../..', '..', 'services', name, 'migrations');
    return Math.max(...readdirSync(folder).map((file) => Number.parseInt(file, 10) || 0));
  };
  return Object.fromEntries(databases.map((name) => [name, newest(name)]));
}

/** Measures everything in the folder and writes `backup.json`, durably. */
export async function writeManifest(
  folder: string,
  facts: BackupFacts,
  onProgress?: OnProgress,
): Promise<Manifest> {
  const { folders, files } = await contentsOf(folder);
  const measured = await measure(folder, files, onProgress);
  const sorted = [...measured.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  const manifest = { format, ...facts, schemas: knownSchemas(), folders, files: sorted };
  const text = JSON.stringify({ checksum: checksumOf(manifest), ...manifest }, null, 1);
  replaceFile(path.join(folder, manifestName), `${text}\n`, 0o600);
  return manifest;
}

function checksumOf(manifest: unknown): string {
  return hash('sha256', JSON.stringify(manifest));
}

interface Contents {
  readonly folders: string[];
  readonly files: { readonly path: string; readonly bytes: number }[];
}

/** Everything below, but for the manifest. */
async function contentsOf(folder: string): Promise<Contents> {
  const found: Contents = { folders: [], files: [] };
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    const place = path.join(entry.parentPath, entry.name);
    const name = path.relative(folder, place).split(path.sep).join('/');
    if (entry.isDirectory()) found.folders.push(name);
    else if (![manifestName, unfinishedName].includes(name))
      found.files.push({ path: name, bytes: (await stat(place)).size });
  }
  found.folders.sort();
  return found;
}

async function measure(
  folder: string,
  files: readonly { readonly path: string; readonly bytes: number }[],
  onProgress: OnProgress | undefined,
): Promise<ReadonlyMap<string, BackupFile>> {
  const measured = new Map<string, BackupFile>();
  const bytesTotal = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let bytes = 0;
  await sideBySide(files, filesAtOnce, async (file) => {
    const sum = await sha256Of(path.join(folder, file.path));
    if (sum !== null) measured.set(file.path, { path: file.path, ...sum });
    bytes += file.bytes;
    onProgress?.(bytes, bytesTotal);
  });
  return measured;
}

/** Null where there is no such file. */
export async function sha256Of(file: string): Promise<{ bytes: number; sha256: string } | null> {
  const sum = createHash('sha256');
  let bytes = 0;
  try {
    await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), async (chunks) => {
      for await (const chunk of chunks as AsyncIterable<Buffer>) {
        sum.update(chunk);
        bytes += chunk.length;
      }
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  return { bytes, sha256: sum.digest('hex') };
}

/**
 * The manifest of a backup that may be restored: whole, of this shop's kind, and of no newer
 * version. Throws `BackupRefused`.
 */
export async function readManifest(
  folder: string,
  { acceptsUnverified = false } = {},
): Promise<Manifest> {
  const file = path.join(folder, manifestName);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
    throw new BackupRefused(
      `${folder} holds no whole backup: ${manifestName} is missing. It was cut short, or is none.`,
    );
  });
  const found = parse(text, file);
  if (found['format'] === 1 && found['checksum'] === undefined) {
    if (acceptsUnverified) return manifestOfFormat1(folder, found);
    throw new BackupRefused(
      `${folder} was made by an earlier version, which wrote down no checksums: nobody can say ` +
        'whether it is whole. If there is no newer one, restore it with --unverified.',
    );
  }
  if (Number.isInteger(found['format']) && (found['format'] as number) > format) {
    throw new BackupRefused(
      `${folder} was made by a newer version of the shop (format ${found['format']}, known here: ` +
        `${format}). Update this one, then restore.`,
    );
  }
  const { checksum, ...manifest } = found;
  if (found['format'] !== format || checksum !== checksumOf(manifest)) {
    throw new BackupRefused(`${file} is damaged: its checksum is not its own.`);
  }
  refuseNewer(folder, manifest as unknown as Manifest);
  return manifest as unknown as Manifest;
}

function parse(text: string, file: string): Record<string, unknown> {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    throw new BackupRefused(`${file} is damaged: it is no JSON.`);
  }
  if (typeof found !== 'object' || found === null || !('format' in found)) {
    throw new BackupRefused(`${file} is not that of a backup of this shop.`);
  }
  return found as Record<string, unknown>;
}

function refuseNewer(folder: string, { schemas }: Manifest): void {
  const known = knownSchemas();
  for (const [name, newest] of Object.entries(schemas)) {
    if (newest <= (known[name] ?? 0)) continue;
    throw new BackupRefused(
      `${folder} was made by a newer version of the shop: its database ${name} may be at ` +
        `migration ${newest}, known here: ${known[name] ?? 0}. Update this one, then restore.`,
    );
  }
}

async function manifestOfFormat1(
  folder: string,
  { at, epoch, lsn, postgresVersion }: Record<string, unknown>,
): Promise<Manifest> {
  const { folders, files } = await contentsOf(folder);
  return {
    format: 1,
    at: String(at),
    epoch: Number(epoch),
    lsn: String(lsn),
    firstSegment: null,
    archive: null,
    postgresVersion: Math.floor(Number(postgresVersion) / 10_000),
    schemas: {},
    folders,
    files: files.map((file) => ({ ...file, sha256: '' })),
  };
}

/** Compares every file with the manifest. Throws `BackupRefused`, naming what differs. */
export async function verify(
  folder: string,
  manifest: Manifest,
  onProgress?: OnProgress,
): Promise<void> {
  const measured = await measure(folder, manifest.files, onProgress);
  const wrong = manifest.files.flatMap((wanted) => {
    const found = measured.get(wanted.path);
    if (found === undefined) return [`${wanted.path} is missing`];
    if (found.bytes !== wanted.bytes) {
      return [`${wanted.path} has ${found.bytes} bytes instead of ${wanted.bytes}`];
    }
    return found.sha256 === wanted.sha256 ? [] : [`${wanted.path} was changed`];
  });
  if (wrong.length === 0) return;
  const more = wrong.length > namedMax ? ` and ${wrong.length - namedMax} more` : '';
  throw new BackupRefused(
    `${folder} is damaged: ${wrong.slice(0, namedMax).join('; ')}${more}. Take another backup.`,
  );
}
