/**
 * `npm run bench -- reads`: a cached product read through one gateway process, beside a bare
 * node:http server that answers the same bytes; an uncached one beside NGINX, where it is
 * installed.
 *
 * Rounds alternate between the candidates, and a figure is the median of its rounds: other work on
 * the machine then hits all of them alike. Beside answers per second stands the processor time of
 * the *serving* process for one answer, which the load generator on the same cores cannot blur.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { runLoad } from '../load/http-load.ts';
import { endProcess, portOf, startGateway, startNode } from './gateway-process.ts';
import { median } from './median.ts';
import { isNginxInstalled, startNginx } from './nginx.ts';

const rounds = 11;
const roundMs = 1_000;
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

/** Rounds of every candidate, in the order of the candidates. */
async function compare(candidates: readonly Candidate[]): Promise<Map<string, Figures[]>> {
  const all = new Map<string, Figures[]>(candidates.map(({ name }) => [name, []]));
  for (const each of candidates) await measure(each); // warm
  for (let round = 0; round < rounds; round += 1) {
    for (const each of candidates) all.get(each.name)?.push(await measure(each));
  }
  return all;
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

/** Each round is compared with the measure's round beside it; the median and the extremes count. */
function ratios(own: readonly Figures[], base: readonly Figures[], of: (f: Figures) => number) {
  const all = own.map((each, round) => of(each) / of(base[round] ?? each));
  const [least, most] = [Math.min(...all), Math.max(...all)];
  return `${median(all).toFixed(2)} × (${least.toFixed(2)} to ${most.toFixed(2)})`;
}

function print(title: string, figures: Map<string, Figures[]>, measure: string): void {
  console.log(`\n${title}`);
  const base = figures.get(measure) ?? [];
  for (const [name, own] of figures) {
    const middle = (of: (f: Figures) => number): number => median(own.map(of));
    const perSecond = middle((f) => f.answersPerSecond).toFixed(0);
    const cpu = middle((f) => f.cpuMicroseconds).toFixed(1);
    const p99 = middle((f) => f.p99Ms).toFixed(1);
    console.log(`  ${name.padEnd(20)} ${perSecond}/s, p99 ${p99} ms, ${cpu} µs of processor time`);
    if (name === measure) continue;
    console.log(`    answers: ${ratios(own, base, (f) => f.answersPerSecond)}`);
    console.log(`    by processor time: ${ratios(own, base, (f) => 1 / f.cpuMicroseconds)}`);
  }
}

export async function benchReads(): Promise<void> {
  const closers: (() => Promise<void>)[] = [];
  try {
    const upstream = startNode('eval/bench/product-upstream.ts');
    closers.push(() => endProcess(upstream));
    const profile = process.argv.includes('--profile')
      ? ['--cpu-prof', `--cpu-prof-dir=${path.join(root, 'reports')}`]
      : [];
    const roles = ['catalog', 'customers'];
    const upstreamPort = await portOf(upstream);
    const gateway = await startGateway(upstreamPort, roles, profile);
    closers.push(gateway.stop);
    const { port, pid } = gateway;
    const bare = startNode('eval/bench/bare-server.ts');
    closers.push(() => endProcess(bare));
    bare.send(await cachedAnswer(port));
    const barePort = await portOf(bare);
    const request = requestFor('/api/products/teddy-bear');
    const nginx = isNginxInstalled() ? await startNginx(upstreamPort) : null;
    if (nginx === null) console.log('NGINX is not installed: nothing to compare it with');
    else closers.push(nginx.stop);
    const beside = (name: string, request: string): Candidate[] =>
      nginx === null ? [] : [{ name, request, port: nginx.port, pid: nginx.pid }];
    const cached = await compare([
      { name: 'bare node:http', port: barePort, request, pid: bare.pid ?? 0 },
      { name: 'gateway, cached', port, request, pid },
      ...beside('NGINX, cached', request),
    ]);
    print('A cached product read', cached, 'bare node:http');
    const cart = requestFor('/api/carts/bench');
    const account = requestFor('/api/customers/me');
    const uncached = await compare([
      ...beside('NGINX, uncached', cart),
      { name: 'gateway, a cart (reads of one turn in one request)', port, request: cart, pid },
      { name: 'gateway, an account (each alone)', port, request: account, pid },
    ]);
    const [base = ''] = uncached.keys();
    print('An uncached read', uncached, base);
  } finally {
    for (const close of closers) await close();
  }
}

if (import.meta.main) await benchReads();
