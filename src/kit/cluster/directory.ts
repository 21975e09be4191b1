/**
 * Service discovery. On one machine the supervisor writes the cluster's state into a file, which it
 * replaces atomically, and every process watches that file. The file stays when the supervisor
 * dies, so services still find each other. A stale file at worst names an address that refuses
 * connections. On Kubernetes the addresses come from environment variables instead.
 */
import { EventEmitter } from 'node:events';
import { type FSWatcher, mkdirSync, readFileSync, watch } from 'node:fs';
import path from 'node:path';

export interface DatabaseNode {
  readonly id: string;
  readonly host: string;
  readonly port: number;
}

export interface ServiceInstance {
  readonly id: string;
  readonly role: string;
  readonly url: string;
  readonly state: 'starting' | 'ready' | 'draining';
  readonly pid: number;
  readonly since: string;
}

export interface ClusterState {
  /** Grows with every change that is published. */
  readonly revision: number;
  /** Grows with every change of the database leader. */
  readonly epoch: number;
  readonly database: {
    readonly leader: DatabaseNode | null;
    readonly followers: readonly DatabaseNode[];
  };
  readonly services: readonly ServiceInstance[];
  /**
   * Folder of the TLS identity for connections between services (internal-tls.ts); absent: no TLS.
   */
  readonly tlsFolder?: string;
}

export const emptyCluster: ClusterState = {
  revision: 0,
  epoch: 0,
  database: { leader: null, followers: [] },
  services: [],
};

const fallbackPollMs = 500;

export function clusterFile(home: string): string {
  return path.join(home, 'run', 'cluster.json');
}

export interface Directory {
  readonly current: ClusterState;
  /** Ready instances of a role, in the order of the file. */
  instances(role: string): readonly ServiceInstance[];
  /** Calls `listener` after each change. Returns a function that unsubscribes it. */
  onChange(listener: (state: ClusterState) => void): () => void;
  close(): void;
}

/** Holds a state that its owner sets: in tests, and where no supervisor runs. */
export class StaticDirectory implements Directory {
  readonly #changes = new EventEmitter().setMaxListeners(0);
  readonly #byRole = new Map<string, readonly ServiceInstance[]>();
  #state: ClusterState;

  constructor(state: ClusterState) {
    this.#state = state;
  }

  get current(): ClusterState {
    return this.#state;
  }

  instances(role: string): readonly ServiceInstance[] {
    let found = this.#byRole.get(role);
    if (found === undefined) {
      found = this.#state.services.filter((s) => s.role === role && s.state === 'ready');
      this.#byRole.set(role, found);
    }
    return found;
  }

  onChange(listener: (state: ClusterState) => void): () => void {
    this.#changes.on('change', listener);
    return () => this.#changes.off('change', listener);
  }

  set(state: ClusterState): void {
    this.#state = state;
    this.#byRole.clear();
    this.#changes.emit('change', state);
  }

  close(): void {
    this.#changes.removeAllListeners();
  }
}

class FileDirectory extends StaticDirectory {
  readonly #file: string;
  readonly #watcher: FSWatcher;
  readonly #poll: NodeJS.Timeout;
  #text = '';

  constructor(file: string) {
    super(emptyCluster);
    this.#file = file;
    mkdirSync(path.dirname(file), { recursive: true });
    this.#watcher = watch(path.dirname(file), () => this.#reload());
    this.#watcher.on('error', () => {}); // the poll below still sees every change
    this.#poll = setInterval(() => this.#reload(), fallbackPollMs).unref();
    this.#reload();
  }

  #reload(): void {
    let state: ClusterState;
    try {
      const text = readFileSync(this.#file, 'utf8');
      if (text === this.#text) return;
      state = JSON.parse(text);
      this.#text = text;
    } catch {
      return; // not written yet; rename makes half-written files impossible
    }
    if (state.revision !== this.current.revision) this.set(state);
  }

  override close(): void {
    this.#watcher.close();
    clearInterval(this.#poll);
    super.close();
  }
}

/** Reads the environment: `<ROLE>_URL=http://host:8080` each, `DATABASE_HOST`, `DATABASE_PORT`. */
function environmentState(env: Readonly<Record<string, string | undefined>>): ClusterState {
  const services = Object.entries(env).flatMap(([name, url]): ServiceInstance[] => {
    const role = /^([A-Z]+)_URL$/.exec(name)?.[1]?.toLowerCase();
    if (role === undefined || url === undefined) return [];
    return [{ id: role, role, url, state: 'ready', pid: 0, since: '1970-01-01T00:00:00Z' }];
  });
  const host = env['DATABASE_HOST'];
  const leader =
    host === undefined ? null : { id: host, host, port: Number(env['DATABASE_PORT'] ?? 5432) };
  return { revision: 1, epoch: 1, database: { leader, followers: [] }, services };
}

/**
 * `DOORBUSTER_CLUSTER_VIEWS` names a folder that holds one cluster file per process, `<id>.json`.
 * With it a drill can put a faulty network between any two processes.
 */
export function openDirectory(
  home: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Directory {
  if (env['DOORBUSTER_DISCOVERY'] === 'env') return new StaticDirectory(environmentState(env));
  const views = env['DOORBUSTER_CLUSTER_VIEWS'];
  if (views === undefined) return new FileDirectory(clusterFile(home));
  return new FileDirectory(path.join(views, `${env['DOORBUSTER_ID']}.json`));
}
