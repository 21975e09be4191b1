/** Brings up the three nodes of a home: finds or makes their data, then hands over to the trio. */
import { existsSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import type { ClusterState, DatabaseNode } from '../../../kit/cluster/directory.ts';
import type { InternalTls } from '../../../kit/cluster/internal-tls.ts';
import { freePorts } from '../../../kit/http/free-port.ts';
import type { Log } from '../../../kit/log.ts';
import type { Publication } from '../../../replication/action.ts';
import type { Leadership } from '../../../replication/leadership.ts';
import { publishedEpoch } from '../cluster-file.ts';
import type { DatabasePasswords } from '../secrets.ts';
import { findBinaries } from './binaries.ts';
import {
  type BootstrapOptions,
  bootstrap,
  bootstrapFolderIn,
  resetPasswords,
} from './bootstrap.ts';
import { prepareDataFolder } from './data-folder.ts';
import { leadershipFromData } from './lost-register.ts';
import { PostgresNode } from './node.ts';
import { Register } from './register.ts';
import { readLinks } from './replication-links.ts';
import { syncNow } from './sync-folder.ts';
import { Trio } from './trio.ts';

const nodeIds = ['pg-1', 'pg-2', 'pg-3'] as const;

export interface TrioStart {
  /** Real path of an existing folder. */
  readonly home: string;
  readonly passwords: DatabasePasswords;
  /** The data has others, which were lost: they are replaced. */
  readonly passwordsAreNew?: boolean;
  readonly log: Log;
  /** Settings of PostgreSQL that replace ours: tests do without fsync. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Absent or null: connections to the nodes and between them are plain. */
  readonly tls?: InternalTls | null;
  /** Where a drill names its proxies between the nodes (replication-links.ts). */
  readonly linksFile?: string | undefined;
  /** Gets a sentence for each part of a long start. */
  readonly say: (progress: string) => void;
  readonly publish: (database: ClusterState['database'], epoch: number) => void;
}

/** Resolves when the nodes are being started; `untilPublished` says when they can be used. */
export async function startTrio(options: TrioStart): Promise<Trio> {
  const { home, passwords, log, say } = options;
  const { folder, account } = prepareDataFolder(home);
  const binaries = findBinaries(account, home);
  const register = new Register(folder);
  const written = register.read();
  // a first start that was cut short wrote none, and begins again
  const kept =
    written ?? (existsSync(bootstrapFolderIn(folder)) ? null : recover(options, folder, register));
  if (kept !== null) rmSync(bootstrapFolderIn(folder), { recursive: true, force: true });
  if (kept === null) say('making the database: one data directory, copied to three nodes');
  const bootstrapOptions = { folder, account, binaries, passwords, nodes: nodeIds };
  const leadership = kept ?? (await bootstrap(bootstrapOptions));
  const ports = await freePorts(nodeIds.length);
  const links = readLinks(options.linksFile);
  const nodes = nodeIds.map(
    (id, index) =>
      new PostgresNode({
        id,
        folder: path.join(folder, id),
        port: ports[index] as number,
        account,
        binaries,
        logFile: path.join(home, 'logs', `${id}.log`),
        replicatorPassword: passwords.replicator,
        tls: options.tls ?? null,
        settings: options.settings ?? {},
        linkPorts: links(id),
      }),
  );
  // Nodes that a dead supervisor left running: a former leader among them must not go on.
  const left = nodes.filter((node) => node.processes().length > 0);
  if (left.length > 0) {
    say(`ending ${left.map(({ id }) => id).join(', ')}, left behind by an earlier start`);
  }
  await Promise.all(left.map((node) => node.stopLeftover()));
  if (options.passwordsAreNew && kept !== null) {
    await renewPasswords(nodes, leadership, bootstrapOptions);
  }
  const trio = new Trio({
    nodes,
    leadership,
    register,
    passwords,
    isDiskShared: new Set(nodes.map((node) => deviceOf(node.folder))).size === 1,
    onPublish: ({ epoch }, publication) => options.publish(asDatabase(nodes, publication), epoch),
    durable: kept === null ? syncAll(nodes) : Promise.resolve(),
  });
  trio.onStep((why, step, node) => log.info({ node, step, epoch: trio.leadership.epoch }, why));
  trio.start();
  return trio;
}

/** There is no register: from the data, if there is some. Throws where a shop's data has gone. */
function recover({ home, say }: TrioStart, folder: string, register: Register): Leadership | null {
  const epochBefore = publishedEpoch(home);
  const found = leadershipFromData(folder, nodeIds, epochBefore);
  if (found === null && epochBefore > 0) {
    throw new Error(
      `The databases of this shop are gone: ${folder} is empty. Put it back, or restore the ` +
        'newest backup into an empty home (npm run restore -- FOLDER). To begin a new shop, ' +
        `remove ${home}.`,
    );
  }
  if (found === null) return null;
  say(`leadership.json was lost: ${found.leader} has the latest data and leads, others copy it`);
  register.write(found);
  return found;
}

async function renewPasswords(
  nodes: readonly PostgresNode[],
  { leader }: Leadership,
  options: BootstrapOptions,
): Promise<void> {
  const node = nodes.find(({ id }) => id === leader);
  if (node === undefined || node.data().kind !== 'leader') {
    throw new Error(
      'secrets.json was lost, and so was the data of the leader, in which its passwords could be ' +
        'replaced. Restore the newest backup into an empty home: npm run restore -- FOLDER',
    );
  }
  await resetPasswords(node.dataFolder, options);
}

/** A folder that is still to be made, as after a restore, will lie where its parent lies. */
function deviceOf(folder: string): number {
  const { dev } = statSync(folder, { throwIfNoEntry: false }) ?? statSync(path.dirname(folder));
  return dev;
}

async function syncAll(nodes: readonly PostgresNode[]): Promise<void> {
  for (const node of nodes) await syncNow(node.dataFolder);
}

function asDatabase(
  nodes: readonly PostgresNode[],
  { leader, followers }: Publication,
): ClusterState['database'] {
  const addressOf = (id: string): DatabaseNode[] =>
    nodes.filter((node) => node.id === id).map(({ port }) => ({ id, host: '127.0.0.1', port }));
  return {
    leader: leader === null ? null : (addressOf(leader)[0] ?? null),
    followers: followers.flatMap(addressOf),
  };
}
