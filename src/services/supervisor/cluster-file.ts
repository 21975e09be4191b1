/** Publishes the cluster's state: one file, replaced atomically, read by all (directory.ts). */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ClusterState, ServiceInstance } from '../../kit/cluster/directory.ts';
import { clusterFile } from '../../kit/cluster/file-directory.ts';

const retryMs = 200;

/** The highest epoch that was ever published in this home; 0 where no database was ever used. */
export function publishedEpoch(home: string): number {
  try {
    return (JSON.parse(readFileSync(clusterFile(home), 'utf8')) as ClusterState).epoch;
  } catch {
    return 0;
  }
}

export class ClusterFile {
  readonly #file: string;
  #state: ClusterState;
  #retry: NodeJS.Timeout | undefined;

  constructor(home: string, tlsFolder: string | null) {
    this.#file = clusterFile(home);
    mkdirSync(path.dirname(this.#file), { recursive: true });
    // revisions grow across supervisors too, so that no reader takes an old state for the newest
    this.#state = {
      revision: Date.now() * 1_000,
      epoch: publishedEpoch(home),
      database: { leader: null, followers: [] },
      services: [],
      ...(tlsFolder === null ? {} : { tlsFolder }),
    };
  }

  get state(): ClusterState {
    return this.#state;
  }

  setDatabase(database: ClusterState['database'], epoch: number): void {
    this.#publish({ ...this.#state, database, epoch });
  }

  setServices(services: readonly ServiceInstance[]): void {
    this.#publish({ ...this.#state, services });
  }

  #publish(state: ClusterState): void {
    this.#state = { ...state, revision: this.#state.revision + 1 };
    this.#write();
  }

  /** A full disk keeps the others from reading the newest state, not us from going on. */
  #write(): void {
    clearTimeout(this.#retry);
    // No fsync: it costs up to 30 ms of every failover, and after a power cut nobody reads this.
    const temporary = `${this.#file}.new`;
    try {
      writeFileSync(temporary, JSON.stringify(this.#state));
      renameSync(temporary, this.#file);
    } catch {
      this.#retry = setTimeout(() => this.#write(), retryMs).unref();
    }
  }
}
