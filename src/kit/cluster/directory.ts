/**
 * Service discovery: which instances of a role there are. On one machine a file says so
 * (file-directory.ts), on many machines DNS does (dns-directory.ts).
 */
import { EventEmitter } from 'node:events';

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
  /** 0 on another machine. */
  readonly pid: number;
  readonly since: string;
  /** The name in its certificate; absent: the host of `url`. */
  readonly serverName?: string;
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

export interface Directory {
  readonly current: ClusterState;
  /** Ready instances of a role, in their order in `current`. */
  instances(role: string): readonly ServiceInstance[];
  /** Calls `listener` after each change. Returns a function that unsubscribes it. */
  onChange(listener: (state: ClusterState) => void): () => void;
  close(): void;
}

/** Holds a state that its owner sets: tests, or what extends it. */
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
