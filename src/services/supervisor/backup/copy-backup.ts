/** A second copy of a backup, on another disk: read back and compared before it counts. */
import { chmod, copyFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { syncNow } from '../postgres/sync-folder.ts';
import { sideBySide } from '../side-by-side.ts';
import { type Manifest, manifestName, type OnProgress, readManifest, verify } from './manifest.ts';
import { intoFolder, requireRoom } from './target-folder.ts';

const filesAtOnce = 8;

/** Throws a sentence where it cannot be made, or where the first is damaged. */
export async function copyBackup(
  source: string,
  target: string,
  onProgress: OnProgress,
): Promise<Manifest> {
  const manifest = await readManifest(source);
  const bytesTotal = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
  return await intoFolder(target, async () => {
    requireRoom(target, bytesTotal);
    for (const folder of manifest.folders) await mkdir(path.join(target, folder), { mode: 0o700 });
    let bytes = 0;
    await sideBySide(manifest.files, filesAtOnce, async (file) => {
      await copyFile(path.join(source, file.path), path.join(target, file.path));
      await chmod(path.join(target, file.path), 0o600);
      bytes += file.bytes;
      onProgress(bytes, bytesTotal);
    });
    await syncNow(target);
    await verify(target, manifest, onProgress);
    await copyFile(path.join(source, manifestName), path.join(target, manifestName));
    await syncNow(target);
    return manifest;
  });
}
