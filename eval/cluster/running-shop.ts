/**
 * A whole shop of one's own: the real supervisor on a free port with a home of its own, for tests,
 * benchmarks and drills. Whoever starts it stops it; a home that was made here is removed again.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ClusterState } from '../../src/kit/cluster/directory.ts';
import { clusterFile } from '../../src/kit/cluster/file-directory.ts';
import { freePort } from '../../src/kit/http/free-port.ts';

const root = path.resolve(import.meta.dirname, '../..');
const readyMsMax = 120_000;
const stopMsMax = 15_000;
const logLinesMax = 5;

export interface ShopOptions {
  /** Made anew, and removed on stop, where it is not given. */
  readonly home?: string;
  readonly port?: number;
  /** Starts without the demo catalogue. */
  readonly empty?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

export interface RunningShop {
  readonly url: string;
  readonly port: number;
  readonly home: string;
  readonly supervisorPid: number;
  /** What the supervisor printed. */
  output(): string;
  cluster(): ClusterState;
  secrets(): Secrets;
  /** SIGINT and wait. Resolves to the exit code. */
  stop(): Promise<number | null>;
  /** Resolves when the supervisor is gone, whoever ended it. */
  readonly gone: Promise<number | null>;
}

export interface Secrets {
  readonly internalToken: string;
  readonly sessionKey: string;
  readonly ownerPassword: string;
  readonly databasePasswords: Readonly<Record<string, string>>;
}

export function makeHome(): string {
  const home = mkdtempSync(path.join(tmpdir(), 'doorbuster-'));
  chmodSync(home, 0o711);
  return home;
}

export async function startShop(options: ShopOptions = {}): Promise<RunningShop> {
  const home = options.home ?? makeHome();
  const port = options.port ?? (await freePort());
  const args = [path.join(root, 'src/services/supervisor/main.ts')];
  if (options.empty === true) args.push('--empty');
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      DOORBUSTER_HOME: home,
      PORT: String(port),
      DOORBUSTER_RATE_LIMIT: 'off',
      NODE_OPTIONS: '',
      DOORBUSTER_INTERNAL_TLS: 'off', // whatever the shell says; who wants it says so
      ...options.env,
    },
  });
  let output = '';
  const gone = new Promise<number | null>((resolve) => child.once('exit', resolve));
  await new Promise<void>((resolve, reject) => {
    let started = false;
    const fail = (why: string): void => {
      if (started) return;
      child.kill('SIGTERM');
      reject(new Error(`the shop did not start: ${why}\n${output}\n${endsOfLogs(home)}`));
    };
    const timer = setTimeout(() => fail('no "ready" in time'), readyMsMax);
    const onOutput = (chunk: Buffer): void => {
      output += chunk;
      if (!/^ready http/m.test(output)) return;
      clearTimeout(timer);
      started = true;
      resolve();
    };
    child.stdout.on('data', onOutput);
    child.stderr.on('data', onOutput);
    gone.then((code) => {
      clearTimeout(timer);
      fail(`it ended with code ${code}`);
    });
  });
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    home,
    supervisorPid: child.pid ?? 0,
    output: () => output,
    cluster: () => JSON.parse(readFileSync(clusterFile(home), 'utf8')),
    secrets: () => JSON.parse(readFileSync(path.join(home, 'secrets.json'), 'utf8')),
    stop: () => stop(child, gone, options.home === undefined ? home : null),
    gone,
  };
}

/** The home may be gone by the time that somebody asks why. */
function endsOfLogs(home: string): string {
  const folder = path.join(home, 'logs');
  if (!existsSync(folder)) return '';
  const ends = readdirSync(folder).map((name) => {
    const lines = readFileSync(path.join(folder, name), 'utf8').trimEnd().split('\n');
    return [`-- ${name}`, ...lines.slice(-logLinesMax)].join('\n');
  });
  return ends.join('\n');
}

async function stop(
  child: ChildProcess,
  gone: Promise<number | null>,
  remove: string | null,
): Promise<number | null> {
  child.kill('SIGINT');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopMsMax);
  const code = await gone;
  clearTimeout(timer);
  if (remove !== null) rmSync(remove, { recursive: true, force: true });
  return code;
}
