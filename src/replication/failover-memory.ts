import type { NodeId } from './leadership.ts';
import { isAttached, type NodeSeen, type View } from './observation.ts';
import { timing } from './timing.ts';

/**
 * What one decision leaves to the next: since when something holds, and positions in the log. A new
 * supervisor begins without it; then the failover waits longer, but never acts wrongly.
 */
export interface Memory {
  readonly epoch: number;
  /** When the present epoch was first seen. */
  readonly electedAt: number;
  /** Infinity while the leader lives. */
  readonly leaderGoneSince: number;
  /**
   * Followers that answer but do not stream from the leader, and since when. Those that were given
   * up stay so until they are copied anew: since -Infinity.
   */
  readonly detachedSince: ReadonlyMap<NodeId, number>;
  /**
   * The leader's end of log when the voters last became these (or, for `gone:` keys, when a voter
   * was found dead and could confirm nothing more). What the quorum has acknowledged lies before.
   */
  readonly marks: ReadonlyMap<string, number>;
}

export const emptyMemory: Memory = {
  epoch: -1,
  electedAt: Number.NEGATIVE_INFINITY,
  leaderGoneSince: Number.POSITIVE_INFINITY,
  detachedSince: new Map(),
  marks: new Map(),
};

export function remember(view: View, before: Memory): Memory {
  const { leadership, nodes, now } = view;
  const sameEpoch = before.epoch === leadership.epoch;
  const isFirst = before.epoch < 0;
  const leader = nodes.get(leadership.leader);
  const gone = leader?.process === 'gone';
  return {
    epoch: leadership.epoch,
    electedAt: sameEpoch || isFirst ? before.electedAt : now,
    leaderGoneSince: gone
      ? Math.min(now, sameEpoch ? before.leaderGoneSince : Number.POSITIVE_INFINITY)
      : Number.POSITIVE_INFINITY,
    detachedSince: detachments(view, before),
    marks: marks(view, before),
  };
}

function detachments(view: View, before: Memory): Map<NodeId, number> {
  const since = new Map<NodeId, number>();
  const leader = view.nodes.get(view.leadership.leader)?.answer;
  if (leader?.role !== 'leader') return since;
  const isStarting = leader.barrier !== 'done';
  const limitMs = isStarting ? timing.detachedAtStartMsMax : timing.detachedMsMax;
  for (const [node, seen] of view.nodes) {
    if (node === view.leadership.leader || isAttached(view, node)) continue;
    const known = before.detachedSince.get(node);
    const isGivenUp = known !== undefined && view.now - known > limitMs;
    if (isGivenUp) {
      if (seen.task !== 'rebuilding') since.set(node, Number.NEGATIVE_INFINITY);
    } else if (waitsForLog(seen, isStarting)) since.set(node, known ?? view.now);
  }
  return since;
}

/**
 * At the start a follower may have long to replay what it holds: then it is at work, not detached.
 */
function waitsForLog({ task, process, answer }: NodeSeen, isStarting: boolean): boolean {
  if (task !== null || process !== 'running' || answer === null) return false;
  return !isStarting || (answer.role === 'follower' && answer.replayed);
}

function marks(view: View, before: Memory): Map<string, number> {
  const { leadership, nodes } = view;
  const kept = new Map<string, number>();
  const seenLeader = nodes.get(leadership.leader);
  const leader = seenLeader?.answer;
  if (seenLeader === undefined || leader?.role !== 'leader') return kept;
  const keep = (key: string): void => {
    kept.set(key, before.marks.get(key) ?? leader.lsn);
  };
  for (const [node, seen] of nodes) {
    if (node === leadership.leader) continue;
    if (seen.process !== 'gone' || !leadership.voters.includes(node)) continue;
    // Only an answer that was asked for after the end says what it may have confirmed.
    const key = `gone:${leadership.epoch}:${node}`;
    const isAfter = seenLeader.silentMs < seen.goneMs && !leader.streaming.has(node);
    if (isAfter || before.marks.has(key)) keep(key);
  }
  if (leadership.voters.length === 0 && leader.quorum.length === 0) {
    keep(`alone:${leadership.epoch}`);
  }
  return kept;
}
