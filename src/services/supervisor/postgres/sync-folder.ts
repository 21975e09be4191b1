import { open, readdir } from 'node:fs/promises';
import path from 'node:path';

const filesAtOnce = 8;

/** Flushes every file and folder below to the disk; what vanishes meanwhile needs no flush. */
export async function syncNow(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const places = [folder, ...entries.map(({ parentPath, name }) => path.join(parentPath, name))];
  const queue = places.values();
  const work = async (): Promise<void> => {
    for (const place of queue) {
      const handle = await open(place, 'r').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return null;
        throw error;
      });
      if (handle === null) continue;
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    }
  };
  await Promise.all(Array.from({ length: filesAtOnce }, work));
}
