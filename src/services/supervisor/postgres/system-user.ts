/**
 * As whom PostgreSQL runs. It refuses to run as root, so when we are root it runs as a user that
 * exists everywhere and owns nothing: `nobody`. Data that already belongs to an ordinary user goes
 * on belonging to that user.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

const nobodyElsewhere: Account = { uid: 65_534, gid: 65_534 };

/** Null: as ourselves. `data`: the folder of the trio, which may not exist yet. */
export function databaseAccount(data: string): Account | null {
  if (process.getuid?.() !== 0) return null;
  const owner = statSync(data, { throwIfNoEntry: false });
  if (owner === undefined || owner.uid === 0) return nobody();
  return { uid: owner.uid, gid: owner.gid };
}

function nobody(): Account {
  try {
    for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
      const [name, , uid, gid] = line.split(':');
      if (name === 'nobody') return { uid: Number(uid), gid: Number(gid) };
    }
  } catch {
    // no such file: a container without users
  }
  return nobodyElsewhere;
}

/** Whether that account can enter a folder, whatever the permissions of its parents say. */
export function canEnter(folder: string, account: Account | null): boolean {
  const identity = account ?? {};
  const { status } = spawnSync('/bin/sh', ['-c', 'cd "$0"', folder], {
    ...identity,
    cwd: '/',
    stdio: 'ignore',
  });
  return status === 0;
}
