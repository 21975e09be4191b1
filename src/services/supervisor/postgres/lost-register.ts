/**
 * The register was lost and the data was not. A leader's directory has no `standby.signal`; of
 * several such ones the latest timeline was promoted last, after all others had been fenced, so it
 * holds every commit that was acknowledged. It leads alone, and the others are copied from it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Leadership, NodeId } from '../../../replication/leadership.ts';

interface Found {
  readonly id: NodeId;
  readonly timeline: number;
}

/**
 * Null where no node has data. `epochBefore`: the highest that was ever published, as far as is
 * known. Throws a sentence where nobody can say which directory is the leader's.
 */
export function leadershipFromData(
  folder: string,
  nodes: readonly NodeId[],
  epochBefore: number,
): Leadership | null {
  const place = (id: NodeId, ...names: string[]) => path.join(folder, id, 'data', ...names);
  const withData = nodes.filter((id) => existsSync(place(id, 'PG_VERSION')));
  if (withData.length === 0) return null;
  const leaders = withData
    .filter((id) => !existsSync(place(id, 'standby.signal')))
    .map((id): Found => ({ id, timeline: timelineOf(place(id, 'pg_wal')) }))
    .toSorted((a, b) => b.timeline - a.timeline);
  const [first, second] = leaders;
  if (first === undefined || first.timeline === second?.timeline) {
    throw new Error(
      `${folder} holds the data of ${withData.join(', ')}, but leadership.json is missing ` +
        'and nothing says who led. Restore the newest backup into an empty home: ' +
        'npm run restore -- FOLDER',
    );
  }
  const epochs = withData.map((id) => epochOf(place(id, 'doorbuster.epoch')));
  const epoch = Math.max(epochBefore, ...epochs) + 1;
  return { epoch, leader: first.id, voters: [], sealed: true };
}

/** Names of segments begin with the timeline; -1 where there is none. */
function timelineOf(walFolder: string): number {
  if (!existsSync(walFolder)) return -1;
  const names = readdirSync(walFolder).filter((name) => /^[0-9A-F]{24}$/.test(name));
  return Math.max(-1, ...names.map((name) => Number.parseInt(name.slice(0, 8), 16)));
}

function epochOf(file: string): number {
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) || 0 : 0;
}
