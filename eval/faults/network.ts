/**
 * The network of a shop under drill: a cable between any two processes.
 *
 * Services find each other and the databases by the cluster's file. Here each of them gets a view
 * of its own, `<id>.json` in a folder, in which every address is the near end of a cable. The
 * supervisor's real file is watched, and the views follow it. The replication between the databases
 * goes through cables of its own, whose near ends never move. What the supervisor itself says to
 * its children does not go through cables.
 */
import { mkdirSync, readFileSync, renameSync, watch, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ClusterState } from '../../src/kit/cluster/directory.ts';
import {
  type LinksFile,
  linksFileIn,
} from '../../src/services/supervisor/postgres/replication-links.ts';
import { type Address, Cable, type Condition, whole } from './cable.ts';

interface PluggedCable {
  readonly cable: Cable;
  readonly port: number;
  readonly target: string;
}

const pollMs = 200;

export class Network {
  readonly folder: string;
  readonly #file: string;
  readonly #cables = new Map<string, PluggedCable>();
  readonly #conditions = new Map<string, Condition>();
  readonly #viewers = new Set<string>();
  readonly #poll: NodeJS.Timeout;
  readonly #stopWatching: () => void;
  #revision = -1;
  #isWriting = false;
  #isClosed = false;

  constructor(clusterFile: string, folder: string) {
    this.#file = clusterFile;
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
    mkdirSync(path.dirname(clusterFile), { recursive: true });
    const watcher = watch(path.dirname(clusterFile), () => void this.#follow());
    this.#stopWatching = () => watcher.close();
    this.#poll = setInterval(() => void this.#follow(), pollMs);
  }

  /** Sets the condition of the cable from one process to another; it lasts over restarts. */
  set(from: string, to: string, condition: Condition): void {
    const name = `${from} > ${to}`;
    this.#conditions.set(name, condition);
    const plugged = this.#cables.get(name);
    if (plugged !== undefined) plugged.cable.condition = condition;
  }

  /** A cable from every node to every other, before the supervisor starts. */
  async plugInNodes(
    nodes: readonly string[],
    addressOf: (node: string) => Address | null,
  ): Promise<void> {
    const links: Record<string, Record<string, number>> = {};
    for (const follower of nodes) {
      links[follower] = {};
      for (const source of nodes.filter((id) => id !== follower)) {
        const cable = new Cable(() => addressOf(source));
        const port = await cable.plugIn();
        links[follower][source] = port;
        this.#cables.set(`${follower} > ${source}`, { cable, port, target: source });
      }
    }
    writeFileSync(linksFileIn(this.folder), JSON.stringify(links satisfies LinksFile));
  }

  mendAll(): void {
    this.#conditions.clear();
    for (const { cable } of this.#cables.values()) cable.condition = whole;
  }

  async #follow(): Promise<void> {
    if (this.#isWriting || this.#isClosed) return;
    this.#isWriting = true;
    try {
      for (let state = this.#read(); state !== null; state = this.#read()) {
        await this.#writeViews(state);
        this.#revision = state.revision;
      }
    } finally {
      this.#isWriting = false;
    }
  }

  /** The newest state, or null where the views show it already. */
  #read(): ClusterState | null {
    try {
      const state = JSON.parse(readFileSync(this.#file, 'utf8')) as ClusterState;
      return state.revision === this.#revision ? null : state;
    } catch {
      return null; // not written yet
    }
  }

  async #writeViews(state: ClusterState): Promise<void> {
    for (const { id } of state.services) this.#viewers.add(id);
    for (const viewer of this.#viewers) {
      const view = await this.#viewOf(viewer, state);
      const file = path.join(this.folder, `${viewer}.json`);
      writeFileSync(`${file}.new`, JSON.stringify(view));
      renameSync(`${file}.new`, file);
    }
  }

  async #viewOf(viewer: string, state: ClusterState): Promise<ClusterState> {
    const { leader, followers } = state.database;
    const node = async <T extends { id: string; host: string; port: number }>(each: T) => {
      const port = await this.#plug(viewer, each.id, each.host, each.port);
      return { ...each, host: '127.0.0.1', port };
    };
    return {
      ...state,
      database: {
        leader: leader === null ? null : await node(leader),
        followers: await Promise.all(followers.map(node)),
      },
      services: await Promise.all(
        state.services.map(async (service) => {
          if (service.url === '') return service;
          const { protocol, hostname, port } = new URL(service.url);
          const near = await this.#plug(viewer, service.id, hostname, Number(port));
          return { ...service, url: `${protocol}//127.0.0.1:${near}` };
        }),
      ),
    };
  }

  /** The near port of the cable; a new cable where the far end has moved. */
  async #plug(from: string, to: string, host: string, port: number): Promise<number> {
    const name = `${from} > ${to}`;
    const target = `${host}:${port}`;
    const known = this.#cables.get(name);
    if (known?.target === target) return known.port;
    void known?.cable.close();
    const cable = new Cable(() => ({ host, port }));
    cable.condition = this.#conditions.get(name) ?? whole;
    const near = await cable.plugIn();
    this.#cables.set(name, { cable, port: near, target });
    return near;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#poll);
    this.#stopWatching();
    await Promise.all([...this.#cables.values()].map(({ cable }) => cable.close()));
  }
}
