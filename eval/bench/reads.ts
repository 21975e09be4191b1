/**
 * `npm run bench -- reads`: a cached product read through one gateway process, beside a bare
 * node:http server that answers the same bytes; an uncached one beside NGINX, where it is installed.
 *
 * Rounds alternate between the candidates, and a figure is the median of its rounds: other work on
 * the machine then hits all of them alike. Beside answers per second stands the processor time of
 * the *serving* process for one answer, which the load generator on the same cores cannot blur.
 */
import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runLoad } from '../load/http-load.ts';

const rounds = 7;
const roundMs = 1_500;
const connections = 32;
const root = path.resolve(import.meta.dirname, '../..');

interface Candidate {
  readonly name: string;
  readonly port: number;
  readonly request: string;
  readonly pid: number;
}

interface Figures {
  readonly answersPerSecond: number;
  readonly cpuMicroseconds: number;
  readonly p99Ms: number;
}

/** Processor time of a process so far, in microseconds (Linux; 0 where /proc is not there). */
function cpuMicroseconds(pid: number): number {
  try {
    const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
    const [user, system] = fields.split(' ').slice(11, 13).map(Number);
    return ((user ?? 0) + (system ?? 0)) * 10_000; // 100 ticks a second
  } catch {
    return 0;
  }
}

async function measure({ port, request, pid }: Candidate): Promise<Figures> {
  const before = cpuMicroseconds(pid);
  const result = await runLoad({ port, connections, durationMs: roundMs, next: () => request });
  const good = result.statuses[200] ?? 0;
  if (good !== result.answered || good === 0) {
    throw new Error(`answers other than 200: ${JSON.stringify(result.statuses)}`);
  }
  return {
    answersPerSecond: good / result.seconds,
    cpuMicroseconds: (cpuMicroseconds(pid) - before) / good,
    p99Ms: result.latencies.percentile(0.99),
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

async function compare(candidates: readonly Candidate[]): Promise<Map<string, Figures>> {
  const all = new Map<string, Figures[]>(candidates.map(({ name }) => [name, []]));
  for (const each of candidates) await measure(each); // warm
  for (let round = 0; round < rounds; round += 1) {
    for (const each of candidates) all.get(each.name)?.push(await measure(each));
  }
  const middle = (figures: readonly Figures[], key: keyof Figures): number =>
    median(figures.map((each) => each[key]));
  return new Map(
    [...all].map(([name, figures]) => [
      name,
      {
        answersPerSecond: middle(figures, 'answersPerSecond'),
        cpuMicroseconds: middle(figures, 'cpuMicroseconds'),
        p99Ms: middle(figures, 'p99Ms'),
      },
    ]),
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function startNode(file: string, env: Record<string, string> = {}, args: string[] = []) {
  return fork(path.join(root, file), {
    execArgv: args,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}

async function portOf(child: ChildProcess): Promise<number> {
  const [message] = await once(child, 'message');
  return (message as { port: number }).port;
}

async function startGateway(home: string, upstreamPort: number, port: number) {
  const roles = ['catalog', 'customers'];
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
  const profile = process.argv.includes('--profile')
    ? ['--cpu-prof', `--cpu-prof-dir=${path.join(root, 'reports')}`]
    : [];
  const env = {
    DOORBUSTER_ID: 'gateway-1',
    DOORBUSTER_HOME: home,
    DOORBUSTER_INTERNAL_TOKEN: 'bench',
    DOORBUSTER_SESSION_KEY: '00'.repeat(32),
    DOORBUSTER_RATE_LIMIT: 'off',
    PORT: String(port),
  };
  const gateway = startNode('src/services/gateway/main.ts', env, profile);
  await once(gateway, 'message');
  return gateway;
}

function requestFor(url: string): string {
  return `GET ${url} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json\r\n\r\n`;
}

/** The gateway's own answer to a cached read: headers without what node adds, and body. */
async function cachedAnswer(port: number) {
  const url = `http://127.0.0.1:${port}/api/products/teddy-bear`;
  const connectionHeaders = ['connection', 'keep-alive', 'date', 'transfer-encoding'];
  for (let i = 0; i < 50; i += 1) {
    await (await fetch(url)).text();
  }
  const answer = await fetch(url, { headers: { 'accept-encoding': 'identity' } });
  const headers = [...answer.headers].filter(([name]) => !connectionHeaders.includes(name)).flat();
  return { headers, body: await answer.text() };
}

function print(title: string, figures: Map<string, Figures>, measure: string): void {
  console.log(`\n${title}`);
  const base = figures.get(measure);
  for (const [name, { answersPerSecond, cpuMicroseconds: cpu, p99Ms }] of figures) {
    const ratio = base === undefined ? Number.NaN : answersPerSecond / base.answersPerSecond;
    const cpuRatio = base === undefined ? Number.NaN : base.cpuMicroseconds / cpu;
    console.log(
      `  ${name.padEnd(22)} ${answersPerSecond.toFixed(0).padStart(7)}/s   ` +
        `p99 ${p99Ms.toFixed(1).padStart(5)} ms   ${cpu.toFixed(1).padStart(6)} µs CPU   ` +
        `${ratio.toFixed(2)} × (by CPU ${cpuRatio.toFixed(2)} ×)`,
    );
  }
}

export async function benchReads(): Promise<void> {
  const home = mkdtempSync(path.join(tmpdir(), 'doorbuster-reads-'));
  const children: ChildProcess[] = [];
  try {
    const upstream = startNode('eval/bench/product-upstream.ts');
    children.push(upstream);
    const port = await freePort();
    const gateway = await startGateway(home, await portOf(upstream), port);
    children.push(gateway);
    const bare = startNode('eval/bench/bare-server.ts');
    children.push(bare);
    bare.send(await cachedAnswer(port));
    const barePort = await portOf(bare);
    const request = requestFor('/api/products/teddy-bear');
    const cached = await compare([
      { name: 'bare node:http', port: barePort, request, pid: bare.pid ?? 0 },
      { name: 'gateway, cached', port, request, pid: gateway.pid ?? 0 },
    ]);
    print('A cached product read', cached, 'bare node:http');
    const uncachedRequest = requestFor('/api/carts/bench');
    const uncached = await compare([
      { name: 'gateway, uncached', port, request: uncachedRequest, pid: gateway.pid ?? 0 },
    ]);
    print('An uncached read', uncached, 'gateway, uncached');
    const nginx = spawnSync('nginx', ['-v']).error === undefined;
    if (!nginx) console.log('  NGINX is not installed: nothing to compare it with');
  } finally {
    for (const child of children) {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
    }
    rmSync(home, { recursive: true, force: true });
  }
}

if (import.meta.main) await benchReads();
