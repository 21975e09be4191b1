import { open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { sideBySide } from '../side-by-side.ts';

const filesAtOnce = 8;

/** Flushes every file and folder below to the disk; what vanishes meanwhile needs no flush. */
export async function syncNow(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const places = [folder, ...entries.map(({ parentPath, name }) => path.join(parentPath, name))];
  await sideBySide(places, filesAtOnce, async (place) => {
    const handle = await open(place, 'r').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    if (handle === null) return;
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  });
}
