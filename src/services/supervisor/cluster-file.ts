/** Publishes the cluster's state: one file, replaced atomically, read by everyone (see directory.ts). */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import path from 'node:path';
import { type ClusterState, clusterFile, type ServiceInstance } from '../../kit/directory.ts';

/** Writes `text` so that after a crash the file holds either the old or the new text, whole. */
export function replaceFile(file: string, text: string, mode = 0o644): void {
  const temporary = `${file}.${process.pid}.tmp`;
  const handle = openSync(temporary, 'w', mode);
  try {
    writeSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(temporary, file);
}

export class ClusterFile {
  readonly #file: string;
  #state: ClusterState;

  constructor(home: string) {
    this.#file = clusterFile(home);
    mkdirSync(path.dirname(this.#file), { recursive: true });
    // revisions grow across supervisors too, so that no reader takes an old state for the newest
    this.#state = {
      revision: Date.now() * 1_000,
      epoch: 0,
      database: { leader: null, followers: [] },
      services: [],
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
    replaceFile(this.#file, JSON.stringify(this.#state));
  }
}
