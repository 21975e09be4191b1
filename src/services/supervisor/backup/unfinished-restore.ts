import { existsSync } from 'node:fs';
import path from 'node:path';

/** Lies in a home while a restore into it is under way, and after one that was killed. */
export function unfinishedRestore(home: string): string {
  return path.join(home, 'restore-unfinished');
}

/** Throws a sentence: to begin an empty shop there would look as if all had been lost. */
export function refuseUnfinishedRestore(home: string): void {
  if (!existsSync(unfinishedRestore(home))) return;
  throw new Error(
    `A restore into ${home} did not end. Run it again: npm run restore -- FOLDER. To begin an ` +
      `empty shop instead, remove ${home}.`,
  );
}
