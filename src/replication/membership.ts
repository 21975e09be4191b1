/**
 * Followers: restarts them, points them at the leader, adds them to the voters and removes them,
 * replaces data that cannot be used by a fresh copy.
 *
 * A follower's way: none -> (rebuild) -> member of the epoch -> (caught up, written down) voter.
 * And back, only when its directory is beyond use: voter -> fenced -> (the other voters hold all
 * that it may have confirmed, written down) -> none.
 *
 * Never: a voter that is wiped while it alone holds a confirmed commit; a follower that confirms
 * without being written down as a voter; a follower that streams from a leader whose past it does
 * not share (its copy was made in another epoch).
 */
import type { Action } from './action.ts';
import type { Memory } from './failover-memory.ts';
import { type NodeId, withVoters } from './leadership.ts';
import type { LeaderAnswer, NodeSeen, View } from './observation.ts';
import { failuresMax, restartDelayMs, timing } from './timing.ts';

/** Not a voter (yet), but a copy of this epoch's leader that may stream from it. */
export function isMemberOfEpoch({ leadership }: View, seen: NodeSeen): boolean {
  return seen.data.kind === 'follower' && seen.data.epoch === leadership.epoch;
}

function leaderAnswer({ leadership, nodes }: View): LeaderAnswer | null {
  const answer = nodes.get(leadership.leader)?.answer;
  return answer?.role === 'leader' ? answer : null;
}

/** Starts dead voters and fences hung ones, whatever state the leader is in. */
export function reviveVoters(view: View): readonly Action[] {
  const { leader, voters } = view.leadership;
  return voters.flatMap((node): readonly Action[] => {
    const seen = view.nodes.get(node);
    if (seen === undefined || seen.data.kind !== 'follower') return [];
    return revive(node, seen, leader);
  });
}

function revive(node: NodeId, seen: NodeSeen, leader: NodeId): readonly Action[] {
  if (seen.task !== null) return [];
  if (seen.process === 'gone') {
    if (seen.goneMs < restartDelayMs(seen.failures)) return [];
    const why = `${node} is gone: it is started again and follows ${leader}`;
    return [{ kind: 'start', node, source: leader, why }];
  }
  const limit = seen.answer === null ? timing.recoveryMsMax : timing.followerSilentMsMax;
  if (seen.silentMs - seen.excusedMs <= limit) return [];
  const why = `${node} follows and has not answered for ${Math.round(seen.silentMs)} ms`;
  return [{ kind: 'fence', node, why }];
}

/** `mayCopy`: the leader works, so that a copy can be made of it. */
export function tendFollowers(view: View, memory: Memory, mayCopy: boolean): readonly Action[] {
  const actions: Action[] = [];
  let copying = [...view.nodes.values()].some((seen) => seen.task === 'rebuilding');
  for (const [node, seen] of view.nodes) {
    if (node === view.leadership.leader) continue;
    const isVoter = view.leadership.voters.includes(node);
    const next = isVoter
      ? tendVoter(view, memory, node, seen)
      : tendMember(view, memory, node, seen, mayCopy && !copying);
    copying ||= next.some((action) => action.kind === 'rebuild');
    actions.push(...next);
  }
  return actions;
}

/** Why a follower's directory can no longer be used; null while it can. */
function damageOf(view: View, memory: Memory, node: NodeId, seen: NodeSeen): string | null {
  if (seen.data.kind === 'none') return 'has no data';
  if (seen.data.kind === 'leader') return 'has the data of a former leader';
  if (seen.failures >= failuresMax) return `could not be started ${seen.failures} times`;
  if (leaderAnswer(view)?.lost.includes(node) === true) {
    return 'is so far behind that the log it needs is gone';
  }
  const isGivenUp = memory.detachedSince.get(node) === Number.NEGATIVE_INFINITY;
  return isGivenUp ? 'waits for log and gets none from the leader' : null;
}

function tendVoter(view: View, memory: Memory, node: NodeId, seen: NodeSeen): readonly Action[] {
  const damage = damageOf(view, memory, node, seen);
  if (damage !== null) return retire(view, memory, node, seen, damage);
  return keepFollowing(view, node, seen);
}

function keepFollowing(view: View, node: NodeId, seen: NodeSeen): readonly Action[] {
  const revived = revive(node, seen, view.leadership.leader);
  return revived.length > 0 ? revived : repoint(view, node, seen);
}

function repoint({ leadership }: View, node: NodeId, seen: NodeSeen): readonly Action[] {
  const { answer, task } = seen;
  if (task !== null || seen.process === 'gone' || answer?.role !== 'follower') return [];
  if (answer.source === leadership.leader) return [];
  const why = `${node} follows ${leadership.leader} from now on`;
  return [{ kind: 'follow', node, source: leadership.leader, why }];
}

/** Takes a damaged voter out, when the others hold everything that it may have confirmed. */
function retire(
  view: View,
  memory: Memory,
  node: NodeId,
  seen: NodeSeen,
  damage: string,
): readonly Action[] {
  const { leadership, nodes } = view;
  if (seen.process === 'running') {
    if (seen.task === 'fencing') return [];
    return [{ kind: 'fence', node, why: `${node} ${damage}: it is stopped for good` }];
  }
  const leader = leaderAnswer(view);
  if (leader === null) return [];
  const isSound = (voter: NodeId): boolean => {
    const other = nodes.get(voter);
    return other !== undefined && damageOf(view, memory, voter, other) === null;
  };
  // All damaged ones leave together: one that stayed might be believed to hold what another had.
  const sound = leadership.voters.filter(isSound);
  const leaving = leadership.voters.filter((voter) => !sound.includes(voter));
  const marks = leaving.map((voter) => memory.marks.get(`gone:${leadership.epoch}:${voter}`));
  const mark = Math.max(...marks.map((each) => each ?? Number.POSITIVE_INFINITY));
  if (mark === Number.POSITIVE_INFINITY) return [];
  const covered = sound.every((voter) => (leader.streaming.get(voter)?.flushedLsn ?? -1) >= mark);
  if (!covered) return [];
  const holders = [leadership.leader, ...sound].join(' and ');
  const why = `${node} ${damage}: with ${holders} holding everything, it no longer votes`;
  return [{ kind: 'persist', leadership: withVoters(leadership, sound), why }];
}

function tendMember(
  view: View,
  memory: Memory,
  node: NodeId,
  seen: NodeSeen,
  mayCopy: boolean,
): readonly Action[] {
  if (seen.task !== null) return [];
  const damage = isMemberOfEpoch(view, seen)
    ? damageOf(view, memory, node, seen)
    : 'does not share the past of this epoch';
  if (damage !== null) {
    if (seen.process === 'running') return [{ kind: 'fence', node, why: `${node} ${damage}` }];
    const failedCopies = seen.data.kind === 'none' ? seen.failures : 0;
    if (!mayCopy || seen.goneMs < restartDelayMs(failedCopies)) return [];
    const from = view.leadership.leader;
    return [{ kind: 'rebuild', node, from, why: `${node} ${damage}: it is copied from ${from}` }];
  }
  const tended = keepFollowing(view, node, seen);
  if (tended.length > 0) return tended;
  return join(view, memory, node);
}

/**
 * A follower becomes a voter once it streams. Beside a voter that holds everything it may still
 * lag; alone, it must first hold what was acknowledged before it came.
 */
function join(view: View, memory: Memory, node: NodeId): readonly Action[] {
  const { leadership } = view;
  const leader = leaderAnswer(view);
  const stream = leader?.streaming.get(node);
  if (leader === null || stream === undefined) return [];
  const mark = memory.marks.get(`alone:${leadership.epoch}`);
  const isAlone = leadership.voters.length === 0;
  if (isAlone && (mark === undefined || stream.flushedLsn < mark)) return [];
  // Without a seal, what the only voter lacks is not yet known to be on two disks.
  if (!isAlone && !leadership.sealed) return [];
  if (leader.lsn - stream.flushedLsn > timing.joinLagBytesMax) return [];
  const why = `${node} has caught up with ${leadership.leader} and votes again`;
  return [
    { kind: 'persist', leadership: withVoters(leadership, [...leadership.voters, node]), why },
  ];
}
