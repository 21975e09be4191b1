/**
 * The first start: one data directory is made (initdb), gets its roles and databases while no
 * server runs (single-user mode), and is copied to the two others. All three begin at the same
 * byte of the log. Nothing counts until the register is written: an attempt that was cut short
 * leaves the folder `bootstrap` behind, and the next one starts again.
 */
import { spawn } from 'node:child_process';
import { chown, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Leadership, NodeId } from '../../../replication/leadership.ts';
import type { DatabasePasswords } from '../secrets.ts';
import type { Binaries } from './binaries.ts';
import { copyDataFolder } from './copy.ts';
import { markAsFollower } from './node.ts';
import { Register } from './register.ts';
import type { Account } from './system-user.ts';

export const databases = ['catalog', 'customers', 'orders'] as const;

export interface BootstrapOptions {
  readonly folder: string;
  readonly account: Account | null;
  readonly binaries: Binaries;
  readonly passwords: DatabasePasswords;
  readonly nodes: readonly NodeId[];
}

/** Runs a program to its end. Throws its output where it fails. */
export function run(
  program: string,
  args: readonly string[],
  options: { account: Account | null; cwd: string; input?: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      ...options.account,
      cwd: options.cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
    });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0 && !/ (ERROR|FATAL|PANIC): /.test(output)) resolve();
      else reject(new Error(`${path.basename(program)} failed:\n${output.trim()}`));
    });
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
  });
}

/** The folder in which the data is made: what lies there is not yet a shop's data. */
export function bootstrapFolderIn(folder: string): string {
  return path.join(folder, 'bootstrap');
}

/** Makes the trio where there is none, and returns what the register says. */
export async function bootstrap(options: BootstrapOptions): Promise<Leadership> {
  const { folder, account, binaries, passwords, nodes } = options;
  const workFolder = bootstrapFolderIn(folder);
  for (const place of [workFolder, ...nodes.map((id) => path.join(folder, id))]) {
    await rm(place, { recursive: true, force: true });
  }
  await makeFolder(workFolder, account);
  const [first, ...others] = nodes;
  if (first === undefined) throw new Error('a trio needs nodes');
  const data = path.join(workFolder, first);
  await initialise(data, workFolder, options);
  await createRoles(data, binaries, account, passwords);
  for (const id of others) {
    await copyDataFolder(data, path.join(workFolder, id), account, { includesLog: true });
    markAsFollower(path.join(workFolder, id), 1, account);
  }
  for (const id of nodes) {
    await makeFolder(path.join(folder, id), account);
    await rename(path.join(workFolder, id), path.join(folder, id, 'data'));
  }
  const leadership: Leadership = { epoch: 1, leader: first, voters: others, sealed: true };
  new Register(folder).write(leadership);
  await rm(workFolder, { recursive: true, force: true });
  return leadership;
}

async function makeFolder(folder: string, account: Account | null): Promise<void> {
  await mkdir(folder, { mode: 0o700 });
  if (account !== null) await chown(folder, account.uid, account.gid);
}

async function initialise(
  data: string,
  workFolder: string,
  { account, binaries, passwords }: BootstrapOptions,
): Promise<void> {
  const passwordFile = path.join(workFolder, 'password');
  await writeFile(passwordFile, passwords.postgres, { mode: 0o600 });
  if (account !== null) await chown(passwordFile, account.uid, account.gid);
  const args = [
    ['--pgdata', data],
    ['--username', 'postgres'],
    ['--pwfile', passwordFile],
    ['--auth', 'scram-sha-256'],
    ['--encoding', 'UTF8'],
    // The same order of strings on every machine, whatever its C library.
    ['--locale-provider', 'builtin'],
    ['--builtin-locale', 'C.UTF-8'],
    ['--locale', 'C'],
    // A commit that needs a new segment waits until it is zeroed, on the leader and then on a
    // follower: 100 ms for the usual 16 MB, ten times a minute at 2,000 orders/s (decision 16).
    ['--wal-segsize', '2'],
    // Synced once, when all three copies are made, while the services start.
    ['--no-sync', '--no-instructions'],
  ].flat();
  await run(binaries.initdb, args, { account, cwd: workFolder });
  await rm(passwordFile);
}

/** Each service owns its database and can reach no other's. Statements end with an empty line. */
async function createRoles(
  data: string,
  binaries: Binaries,
  account: Account | null,
  passwords: DatabasePasswords,
): Promise<void> {
  const statements = [
    'create role replicator login replication',
    ...databases.flatMap((name) => [
      `create role ${name} login`,
      `alter role ${name} set idle_in_transaction_session_timeout = '10s'`,
      `create database ${name} owner ${name}`,
      `revoke connect, temporary on database ${name} from public`,
    ]),
    'revoke connect, temporary on database postgres from public',
    `create table heartbeat (id integer primary key, epoch integer not null,
       at timestamptz not null default now())`,
    'insert into heartbeat (id, epoch) values (1, 1), (2, 1)',
    ...settingPasswords(passwords),
  ];
  await runStatements(data, binaries, account, statements);
}

function settingPasswords(passwords: DatabasePasswords): string[] {
  return [
    // The passwords are random: what iterations protect are passwords that can be guessed.
    'set scram_iterations = 1024',
    ...Object.entries(passwords).map(([role, each]) => `alter role ${role} password '${each}'`),
  ];
}

/** Gives all roles new passwords in the leader's data, while no server runs on it. */
export async function resetPasswords(
  data: string,
  { binaries, account, passwords }: Pick<BootstrapOptions, 'binaries' | 'account' | 'passwords'>,
): Promise<void> {
  await rm(path.join(data, 'postmaster.pid'), { force: true });
  await runStatements(data, binaries, account, settingPasswords(passwords));
}

/** In single-user mode: nobody else can connect meanwhile. */
async function runStatements(
  data: string,
  binaries: Binaries,
  account: Account | null,
  statements: readonly string[],
): Promise<void> {
  const input = `${statements.map((each) => each.replaceAll('\n', ' ')).join(';\n\n')};\n\n`;
  await run(binaries.postgres, ['--single', '-j', '-D', data, 'postgres'], {
    account,
    cwd: data,
    input,
  });
}
