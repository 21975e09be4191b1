/**
 * Where the trio's data lies: `pg` in the home. Where the database's user cannot get there (a
 * checkout under /root), `pg` is a link to a folder under /var/lib/doorbuster whose name is random
 * and never made from the path, so that a home that was deleted and made again starts empty.
 */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  realpathSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import path from 'node:path';
import { type Account, canEnter, databaseAccount } from './system-user.ts';

const sharedRoot = '/var/lib/doorbuster';

export interface DataFolder {
  /** Real path. */
  readonly folder: string;
  readonly account: Account | null;
}

function own(folder: string, account: Account | null): void {
  chmodSync(folder, 0o700);
  if (account !== null) chownSync(folder, account.uid, account.gid);
}

/** Finds or makes the folder. `home` exists and is a real path. */
export function prepareDataFolder(home: string): DataFolder {
  const link = path.join(home, 'pg');
  const isThere = lstatSync(link, { throwIfNoEntry: false }) !== undefined;
  if (!isThere) return makeDataFolder(home, link);
  if (!existsSync(link)) {
    throw new Error(
      `${link} leads to ${readlinkSync(link)}, and the databases are not there: put them back, ` +
        'or restore the newest backup into an empty home (npm run restore -- FOLDER).',
    );
  }
  const folder = realpathSync(link);
  const account = databaseAccount(folder);
  if (account === null && statSync(folder).uid !== process.getuid?.()) {
    throw new Error(
      `${folder} belongs to another user: start the shop as the user who started it first.`,
    );
  }
  if (!canEnter(folder, account)) letThrough(home);
  if (!canEnter(folder, account)) {
    throw new Error(`The database's user (uid ${account?.uid}) cannot enter ${folder}.`);
  }
  return { folder, account };
}

/** Our own home folder may be passed through, not listed. */
function letThrough(home: string): void {
  if (statSync(home).uid === process.getuid?.()) chmodSync(home, 0o711);
}

function makeDataFolder(home: string, link: string): DataFolder {
  const account = databaseAccount(link);
  if (!canEnter(home, account)) letThrough(home);
  if (canEnter(home, account)) {
    mkdirSync(link);
    own(link, account);
    return { folder: link, account };
  }
  mkdirSync(sharedRoot, { recursive: true, mode: 0o755 });
  const folder = path.join(sharedRoot, randomBytes(8).toString('hex'));
  mkdirSync(folder);
  own(folder, account);
  symlinkSync(folder, link);
  return { folder, account };
}
