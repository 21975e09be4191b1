/**
 * The supervisor writes the cluster's state into a file, which it replaces atomically, and every
 * process watches that file. The file stays when the supervisor dies, so services still find each
 * other. A stale file at worst names an address that refuses connections.
 */
import { type FSWatcher, mkdirSync, readFileSync, watch } from 'node:fs';
import path from 'node:path';
import { type ClusterState, emptyCluster, StaticDirectory } from './directory.ts';

const fallbackPollMs = 500;

export function clusterFile(home: string): string {
  return path.join(home, 'run', 'cluster.json');
}

export class FileDirectory extends StaticDirectory {
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
