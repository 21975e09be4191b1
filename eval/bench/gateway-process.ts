/** A gateway process of one's own in front of one upstream, for measurements. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../../src/kit/http/free-port.ts';
import { nodeFlags } from '../../src/services/supervisor/node-flags.ts';

const root = path.resolve(import.meta.dirname, '../..');

export function startNode(
  file: string,
  env: Readonly<Record<string, string>> = {},
  execArgv: string[] = [],
): ChildProcess {
  return fork(path.join(root, file), {
    execArgv,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}

export async function portOf(child: ChildProcess): Promise<number> {
  const [message] = await once(child, 'message');
  return (message as { port: number }).port;
}

export async function endProcess(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

export interface GatewayProcess {
  readonly child: ChildProcess;
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

/** `roles` are all answered by the one upstream. */
export async function startGateway(
  upstreamPort: number,
  roles: readonly string[],
  execArgv: string[] = [],
): Promise<GatewayProcess> {
  const home = mkdtempSync(path.join(tmpdir(), 'doorbuster-bench-'));
  const services = roles.map((role) => ({
    id: `${role}-1`,
    role,
    url: `http://127.0.0.1:${upstreamPort}`,
    state: 'ready',
    pid: 0,
    since: '2026-01-01T00:00:00Z',
  }));
  mkdirSync(path.join(home, 'run'), { recursive: true });
  const cluster = { revision: 1, epoch: 1, database: { leader: null, followers: [] }, services };
  writeFileSync(path.join(home, 'run', 'cluster.json'), JSON.stringify(cluster));
  const port = await freePort();
  const env = {
    DOORBUSTER_ID: 'gateway-1',
    DOORBUSTER_HOME: home,
    DOORBUSTER_INTERNAL_TOKEN: 'bench',
    DOORBUSTER_SESSION_KEY: '00'.repeat(32),
    DOORBUSTER_RATE_LIMIT: 'off',
    PORT: String(port),
  };
  const child = startNode('src/services/gateway/main.ts', env, [
    ...nodeFlags('gateway'),
    ...execArgv,
  ]);
  await once(child, 'message');
  return {
    child,
    port,
    pid: child.pid ?? 0,
    async stop() {
      await endProcess(child);
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Resident memory of a process in MiB; 0 where /proc is not there. */
export function memoryMiB(pid: number): number {
  try {
    const found = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(found?.[1] ?? 0) / 1_024;
  } catch {
    return 0;
  }
}
