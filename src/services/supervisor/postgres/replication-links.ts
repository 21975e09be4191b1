/**
 * Where followers reach the nodes they follow, if a drill has put something between them: a JSON
 * file `{"<follower>": {"<source>": port}}`. The supervisor itself asks every node directly.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { NodeId } from '../../../replication/leadership.ts';

export type LinksFile = Readonly<Record<NodeId, Readonly<Record<NodeId, number>>>>;

/** In the folder that `DOORBUSTER_CLUSTER_VIEWS` names. */
export function linksFileIn(viewsFolder: string): string {
  return path.join(viewsFolder, 'replication-links.json');
}

/** For a node: the port at which each follower reaches it. Empty without a file. */
export function readLinks(
  file: string | undefined,
): (source: NodeId) => ReadonlyMap<NodeId, number> {
  if (file === undefined) return () => new Map();
  const links = JSON.parse(readFileSync(file, 'utf8')) as LinksFile;
  return (source) =>
    new Map(
      Object.entries(links).flatMap(([follower, ports]) => {
        const port = ports[source];
        return port === undefined ? [] : [[follower, port] as const];
      }),
    );
}
