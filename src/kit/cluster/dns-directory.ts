/**
 * Discovery through DNS, for a shop on many machines. `<ROLE>_URL=http://name:8080` names a role:
 * every address of the name is an instance (a headless service of Kubernetes, a service of
 * compose). A name that begins with `_` is an SRV record, which has ports too.
 *
 * Every second the names are resolved, and every instance is asked whether it is ready (`/readyz`),
 * which also says its id. An instance is *ready*, *unready* (it says why not, e.g. its database is
 * away), *draining* or *silent* (it does not answer). Listed are the instances in the best of these
 * conditions: so unready ones are asked only where no ready one is left. While a database is away
 * every instance is unready, and requests can wait there for the new leader.
 *
 * A name that does not resolve keeps its addresses: DNS may be away, or hide unready addresses.
 *
 * The names are looked up one after the other with getaddrinfo. It knows `/etc/hosts` and the
 * search domains of Kubernetes, which `dns.resolve` does not, but it occupies one of Node's four
 * threads for seconds while DNS is away.
 */
import { lookup, resolveSrv } from 'node:dns/promises';
import { Agent, request } from 'undici';
import { emptyCluster, type ServiceInstance, StaticDirectory } from './directory.ts';
import { type InternalTls, tlsTo } from './internal-tls.ts';

const refreshEveryMs = 1_000;
const readinessMsMax = 1_000;
/** An instance is silent after this many questions in a row without an answer. */
const missesMax = 2;

export interface ResolvedAddress {
  readonly host: string;
  readonly port: number;
  /** The name in its certificate. */
  readonly serverName: string;
}

/** What an instance says of itself. */
export interface Readiness {
  readonly id?: string;
  readonly ready: boolean;
  readonly draining?: boolean;
}

export interface DnsDirectoryParts {
  /** The address of each role. */
  readonly urls: ReadonlyMap<string, URL>;
  /** Rejects, or returns nothing, where the name does not resolve. */
  resolve(url: URL): Promise<readonly ResolvedAddress[]>;
  /** Rejects where the instance does not answer. */
  askReadiness(url: string, serverName: string): Promise<Readiness>;
  readonly refreshEveryMs?: number;
}

const conditions = ['ready', 'unready', 'draining', 'silent'] as const;

interface Candidate {
  instance: ServiceInstance;
  readonly serverName: string;
  /** Null until it has answered for the first time. */
  condition: (typeof conditions)[number] | null;
  misses: number;
}

export class DnsDirectory extends StaticDirectory {
  readonly #parts: DnsDirectoryParts;
  /** By role, then by address. */
  readonly #candidates = new Map<string, Map<string, Candidate>>();
  readonly #timers: NodeJS.Timeout[];
  #resolving = false;

  constructor(parts: DnsDirectoryParts) {
    super(emptyCluster);
    this.#parts = parts;
    const everyMs = parts.refreshEveryMs ?? refreshEveryMs;
    this.#timers = [
      setInterval(() => void this.#resolveAll(), everyMs).unref(),
      setInterval(() => this.#askAll(), everyMs).unref(),
    ];
    void this.#resolveAll();
  }

  override close(): void {
    for (const timer of this.#timers) clearInterval(timer);
    super.close();
  }

  async #resolveAll(): Promise<void> {
    if (this.#resolving) return;
    this.#resolving = true;
    for (const [role, url] of this.#parts.urls) {
      const addresses = await this.#parts.resolve(url).catch(() => []);
      if (addresses.length > 0) this.#found(role, url, addresses);
    }
    this.#resolving = false;
  }

  #found(role: string, { protocol }: URL, addresses: readonly ResolvedAddress[]): void {
    const before = this.#candidates.get(role);
    const candidates = new Map<string, Candidate>();
    for (const { host, port, serverName } of addresses) {
      const place = `${host.includes(':') ? `[${host}]` : host}:${port}`;
      const known = before?.get(place);
      candidates.set(place, known ?? newCandidate(role, `${protocol}//${place}`, serverName));
      if (known === undefined) void this.#ask(candidates.get(place) as Candidate);
    }
    this.#candidates.set(role, candidates);
    this.#publish();
  }

  #askAll(): void {
    for (const candidates of this.#candidates.values()) {
      for (const candidate of candidates.values()) void this.#ask(candidate);
    }
  }

  async #ask(candidate: Candidate): Promise<void> {
    const { url, role } = candidate.instance;
    const said = await this.#parts.askReadiness(url, candidate.serverName).catch(() => null);
    if (said === null) {
      candidate.misses += 1;
      const wasListed = candidate.condition !== null;
      if (wasListed && candidate.misses >= missesMax) candidate.condition = 'silent';
    } else {
      const id = said.id ?? `${role}-${new URL(url).host}`;
      candidate.misses = 0;
      candidate.condition = conditionOf(said);
      if (candidate.instance.id !== id) candidate.instance = { ...candidate.instance, id };
    }
    this.#publish();
  }

  #publish(): void {
    const services = [...this.#candidates.values()].flatMap(statesOf);
    const { current } = this;
    if (JSON.stringify(services) === JSON.stringify(current.services)) return;
    this.set({ ...current, revision: current.revision + 1, services });
  }
}

function newCandidate(role: string, url: string, serverName: string): Candidate {
  const since = new Date().toISOString();
  const instance = { id: '', role, url, state: 'starting', pid: 0, since, serverName } as const;
  return { instance, serverName, condition: null, misses: 0 };
}

function conditionOf({ ready, draining = false }: Readiness): (typeof conditions)[number] {
  if (ready) return 'ready';
  return draining ? 'draining' : 'unready';
}

/** All that have answered; an instance that has two addresses (IPv4, IPv6) once. */
function statesOf(candidates: ReadonlyMap<string, Candidate>): ServiceInstance[] {
  const byId = new Map<string, Candidate>();
  for (const candidate of candidates.values()) {
    if (candidate.condition === null || byId.has(candidate.instance.id)) continue;
    byId.set(candidate.instance.id, candidate);
  }
  const all = [...byId.values()];
  const best = conditions.find((condition) => all.some((each) => each.condition === condition));
  return all.map(({ instance, condition }) => {
    if (condition === best) return { ...instance, state: 'ready' };
    return { ...instance, state: condition === 'draining' ? 'draining' : 'starting' };
  });
}

export async function resolveBySystem({
  hostname,
  port,
  protocol,
}: URL): Promise<ResolvedAddress[]> {
  const targets = hostname.startsWith('_')
    ? await resolveSrv(hostname)
    : [{ name: hostname.replace(/^\[(.+)\]$/, '$1'), port: portOf(port, protocol) }];
  const found: ResolvedAddress[] = [];
  for (const target of targets) {
    for (const { address } of await lookup(target.name, { all: true })) {
      found.push({ host: address, port: target.port, serverName: target.name });
    }
  }
  return found;
}

function portOf(port: string, protocol: string): number {
  return Number(port) || (protocol === 'https:' ? 443 : 80);
}

/** Returns a function that asks an instance over HTTP. */
export function askOverHttp(tls: InternalTls | null): DnsDirectoryParts['askReadiness'] {
  const agents = new Map<string, Agent>();
  return async (url, serverName) => {
    let dispatcher = agents.get(serverName);
    if (dispatcher === undefined) {
      dispatcher = new Agent({
        connect: { ...tlsTo({ serverName }, tls), timeout: readinessMsMax },
      });
      agents.set(serverName, dispatcher);
    }
    const signal = AbortSignal.timeout(readinessMsMax);
    const { body } = await request(`${url}/readyz`, { dispatcher, signal });
    return (await body.json()) as Readiness;
  };
}
