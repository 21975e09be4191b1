/**
 * A shop from a backup, in a home that holds none. The copy becomes the leader; the next start
 * makes the two followers from it, and acknowledges nothing before one of them has caught up.
 */
import { existsSync } from 'node:fs';
import { chmod, copyFile, lchown, mkdir, readFile, realpath, rm } from 'node:fs/promises';
import path from 'node:path';
import { copyDataFolder, install } from '../postgres/copy.ts';
import { prepareDataFolder } from '../postgres/data-folder.ts';
import { Register } from '../postgres/register.ts';
import { syncNow } from '../postgres/sync-folder.ts';
import type { Account } from '../postgres/system-user.ts';
import { type BackupManifest, manifestName } from './backup.ts';

export interface RestoreOptions {
  readonly source: string;
  readonly home: string;
  readonly onProgress?: (done: number, total: number) => void;
}

const leader = 'pg-1';

export async function restore(options: RestoreOptions): Promise<BackupManifest> {
  const { source } = options;
  const manifest = await readManifest(source);
  await mkdir(options.home, { recursive: true });
  const home = await realpath(options.home);
  for (const name of ['pg', 'secrets.json']) {
    if (!existsSync(path.join(home, name))) continue;
    throw new Error(`${home} holds a shop already: restore into an empty home.`);
  }
  const { folder, account } = prepareDataFolder(home);
  const data = path.join(folder, leader, 'data');
  const incoming = path.join(folder, 'incoming');
  await mkdir(path.join(folder, leader), { mode: 0o700 });
  await rm(incoming, { recursive: true, force: true });
  await copyDataFolder(path.join(source, 'data'), incoming, account, {
    includesLog: true,
    keepsLabel: true,
    onProgress: ({ bytes, bytesTotal }) => options.onProgress?.(bytes, bytesTotal),
  });
  await syncNow(incoming);
  await installWithOwner(incoming, data, account);
  await copyFile(path.join(source, 'secrets.json'), path.join(home, 'secrets.json'));
  await chmod(path.join(home, 'secrets.json'), 0o600);
  new Register(folder).write({ epoch: manifest.epoch + 1, leader, voters: [], sealed: true });
  return manifest;
}

async function installWithOwner(
  incoming: string,
  data: string,
  account: Account | null,
): Promise<void> {
  if (account !== null) await lchown(path.dirname(data), account.uid, account.gid);
  await install(incoming, data);
}

async function readManifest(source: string): Promise<BackupManifest> {
  let text: string;
  try {
    text = await readFile(path.join(source, manifestName), 'utf8');
  } catch {
    throw new Error(`${source} holds no whole backup: ${manifestName} is missing.`);
  }
  const manifest: BackupManifest = JSON.parse(text);
  if (manifest.format !== 1) throw new Error(`${source} is of an unknown format.`);
  return manifest;
}
