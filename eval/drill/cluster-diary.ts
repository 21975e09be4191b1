/** What the cluster's file said, and when: every change of leader and of a service's state. */
import { readFileSync, watch } from 'node:fs';
import path from 'node:path';
import type { ClusterState } from '../../src/kit/cluster/directory.ts';
import { clusterFile } from '../../src/kit/cluster/file-directory.ts';

export interface DiaryEntry {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly epoch: number;
  readonly leader: string | null;
  readonly followers: number;
  /** Ready services. */
  readonly ready: readonly string[];
}

const pollMs = 10;

export class ClusterDiary {
  readonly entries: DiaryEntry[] = [];
  readonly #file: string;
  readonly #close: () => void;
  #revision = -1;

  constructor(home: string) {
    this.#file = clusterFile(home);
    const watcher = watch(path.dirname(this.#file), () => this.#look());
    const poll = setInterval(() => this.#look(), pollMs);
    this.#close = () => {
      watcher.close();
      clearInterval(poll);
    };
    this.#look();
  }

  #look(): void {
    let state: ClusterState;
    try {
      state = JSON.parse(readFileSync(this.#file, 'utf8')) as ClusterState;
    } catch {
      return;
    }
    if (state.revision === this.#revision) return;
    this.#revision = state.revision;
    const { epoch, database, services } = state;
    this.entries.push({
      at: Date.now(),
      epoch,
      leader: database.leader?.id ?? null,
      followers: database.followers.length,
      ready: services.filter((each) => each.state === 'ready').map(({ id }) => id),
    });
  }

  close(): void {
    this.#close();
  }
}
