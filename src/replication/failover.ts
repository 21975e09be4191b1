/**
 * The failover of the trio, as one pure function: what is seen -> what to do, with a sentence each.
 *
 * A commit counts once it is on the disk of the leader and of one follower. When the leader is
 * lost, it is first made unable to write (fenced). Then every follower that may have confirmed a
 * commit stops receiving (silenced), so that its position is final. The one whose log reaches
 * furthest is elected, and that is written to the register *before* it is promoted. A follower must
 * confirm its first commit (the barrier) before clients learn of the new leader (published).
 *
 * The leader's conditions, and where they lead:
 *
 *   leading    answers as a leader. Set the quorum, barrier, seal, publish; tend the followers.
 *   hung       did not answer in time.                   -> fence -> gone
 *   failing    cannot write to its own disk.             -> fence -> gone
 *   gone       no process. Voters answer?               silence them -> elect -> following
 *              otherwise                                 restart it where it is -> starting
 *   starting   has not answered yet.                     -> leading or following
 *   following  was elected, is not promoted yet.         promote -> leading
 *   ending     is being stopped or fenced.               -> gone
 *
 * Never: two nodes that can acknowledge; a leader that lacks an acknowledged commit. The argument:
 * `synchronous_standby_names` only ever names voters, and a node joins or leaves the voters in the
 * register first where that is the safe order (membership.ts). Everything is derived from the
 * register and from what is seen, so a supervisor that dies at any line of this file leaves nothing
 * behind that its successor needs to know.
 *
 * Rejected: electing from the followers that happen to answer. With one confirmation of two
 * needed, the one that is silent may be the one that confirmed.
 */
import type { Action, Publication } from './action.ts';
import { emptyMemory, type Memory, remember } from './failover-memory.ts';
import { elected, isFurther, type NodeId, type Position } from './leadership.ts';
import { reviveVoters, tendFollowers } from './membership.ts';
import { isSilent, type NodeSeen, type View } from './observation.ts';
import { failuresMax, restartDelayMs, timing } from './timing.ts';

export interface Decision {
  readonly actions: readonly Action[];
  readonly publication: Publication;
  readonly memory: Memory;
}

export type Condition =
  | 'leading'
  | 'hung'
  | 'failing'
  | 'gone'
  | 'starting'
  | 'following'
  | 'ending';

const nobody: Publication = { leader: null, followers: [] };

export function decide(view: View, before: Memory = emptyMemory): Decision {
  const memory = remember(view, before);
  const condition = conditionOfLeader(view, memory);
  const fences = fenceIntruders(view);
  const { actions, publication } = step(condition, view, memory);
  return { actions: persistLast([...fences, ...actions]), publication, memory };
}

/** A change of the register ends a decision: whatever it allows is decided from the new one. */
function persistLast(actions: readonly Action[]): readonly Action[] {
  const index = actions.findIndex((action) => action.kind === 'persist');
  return index < 0 ? actions : actions.slice(0, index + 1);
}

function step(
  condition: Condition,
  view: View,
  memory: Memory,
): { actions: readonly Action[]; publication: Publication } {
  switch (condition) {
    case 'leading':
      return lead(view, memory);
    case 'hung':
    case 'failing':
      return { actions: [fenceLeader(view, condition)], publication: nobody };
    case 'gone':
      return { actions: succeed(view, memory), publication: nobody };
    case 'starting':
      return { actions: reviveVoters(view), publication: nobody };
    case 'following':
      return { actions: promote(view), publication: nobody };
    case 'ending':
      return { actions: [], publication: nobody };
  }
}

function leaderOf(view: View): NodeSeen {
  const leader = view.nodes.get(view.leadership.leader);
  if (leader === undefined) throw new Error(`no node is called ${view.leadership.leader}`);
  return leader;
}

export function conditionOfLeader(view: View, memory: Memory): Condition {
  const leader = leaderOf(view);
  const { answer } = leader;
  // Excused silence is no reason to fence; only real answers count in an election.
  const silentMs = leader.silentMs - leader.excusedMs;
  if (leader.task === 'stopping' || leader.task === 'fencing') return 'ending';
  if (leader.process === 'gone') return 'gone';
  if (leader.task === 'promoting' && silentMs <= timing.startMsMax) return 'starting';
  if (answer === null) {
    // Crash recovery may be long; it is given up only where the followers could take over.
    const limitMs = canReplace(view) ? timing.startMsMax : timing.recoveryMsMax;
    return silentMs > limitMs ? 'hung' : 'starting';
  }
  const limit = leader.isSuspended ? timing.suspendedMsMax : timing.leaderSilentMsMax;
  if (silentMs > limit) return 'hung';
  if (answer.role === 'follower') return 'following';
  const { writeFailingMs } = answer;
  const settled = view.now - memory.electedAt > timing.electionGraceMs;
  if (writeFailingMs > timing.writeFailingMsMax && settled && canReplace(view)) return 'failing';
  return 'leading';
}

function answersNow(node: NodeSeen | undefined): boolean {
  if (node === undefined || node.process === 'gone' || node.answer === null) return false;
  return node.silentMs <= timing.followerAnswerMsMax && node.answer.role === 'follower';
}

/** It answers, or was commanded so recently that its answer is still to come. */
function mayAnswer(node: NodeSeen | undefined): boolean {
  if (node === undefined || node.process === 'gone' || node.task === 'fencing') return false;
  return node.silentMs <= timing.followerAnswerMsMax;
}

/** Whether an election would leave a leader with a voter beside it. */
function canReplace({ leadership, nodes }: View): boolean {
  const { sealed, voters } = leadership;
  return sealed && voters.length >= 2 && voters.every((voter) => answersNow(nodes.get(voter)));
}

function fenceIntruders({ leadership, nodes }: View): Action[] {
  const actions: Action[] = [];
  for (const [node, { task, answer, process }] of nodes) {
    if (node === leadership.leader || process === 'gone') continue;
    if (answer?.role !== 'leader' || task === 'fencing') continue;
    const { leader, epoch } = leadership;
    const why = `${node} behaves as a leader, but ${leader} is the leader of epoch ${epoch}`;
    actions.push({ kind: 'fence', node, why });
  }
  return actions;
}

function fenceLeader(view: View, condition: 'hung' | 'failing'): Action {
  const { leader: node } = view.leadership;
  const { silentMs, answer } = leaderOf(view);
  const failing = answer?.role === 'leader' ? answer.writeFailingMs : 0;
  const why =
    condition === 'hung'
      ? `${node} leads and has not answered for ${Math.round(silentMs)} ms: it is fenced`
      : `${node} leads and could not write for ${Math.round(failing)} ms: it is fenced`;
  return { kind: 'fence', node, why };
}

function lead(
  view: View,
  memory: Memory,
): { actions: readonly Action[]; publication: Publication } {
  const { leadership, handOver } = view;
  const { leader: node, voters, sealed, epoch } = leadership;
  const seen = leaderOf(view);
  const { answer } = seen;
  if (answer?.role !== 'leader') throw new Error('only a leader leads');
  const actions: Action[] = [];
  const quorumInForce = sameNames(answer.quorum, voters);
  if (!quorumInForce && seen.task === null) {
    const why = `commits on ${node} need one of ${voters.join(', ') || 'nobody yet: they wait'}`;
    actions.push({ kind: 'set-quorum', node, quorum: voters, why });
  }
  const attached = voters.some((voter) => answer.streaming.has(voter));
  if (quorumInForce && attached && answer.barrier === 'none' && seen.task === null) {
    actions.push({ kind: 'barrier', node, why: `${node} asks its followers for a first commit` });
  }
  const works = answer.barrier === 'done';
  if (works && !sealed && voters.length > 0) {
    const why = `a follower has confirmed a commit of epoch ${epoch}: ${node} may be replaced`;
    actions.push({ kind: 'persist', leadership: { ...leadership, sealed: true }, why });
  }
  if (works && sealed && handOver !== null && isReadyToHandOver(view, handOver.to)) {
    const why = `${node} hands over to ${handOver.to} as asked`;
    return { actions: [{ kind: 'stop', node, why }], publication: nobody };
  }
  const mayCopy = quorumInForce && (voters.length === 0 || (works && sealed));
  actions.push(...tendFollowers(view, memory, mayCopy));
  if (!works || !sealed) return { actions, publication: nobody };
  const followers = voters.filter((voter) => answer.streaming.has(voter));
  return { actions, publication: { leader: node, followers } };
}

function sameNames(a: readonly NodeId[], b: readonly NodeId[]): boolean {
  return a.length === b.length && a.every((name) => b.includes(name));
}

function isReadyToHandOver(view: View, to: NodeId): boolean {
  const answer = leaderOf(view).answer;
  if (answer?.role !== 'leader' || to === view.leadership.leader) return false;
  if (!view.leadership.voters.includes(to) || !canReplace(view)) return false;
  return view.leadership.voters.every((voter) => {
    const stream = answer.streaming.get(voter);
    return stream !== undefined && answer.lsn - stream.flushedLsn <= timing.handOverLagBytesMax;
  });
}

/** The leader is gone: elect another, or bring this one back. */
function succeed(view: View, memory: Memory): readonly Action[] {
  const { leadership, nodes } = view;
  const { leader, voters, sealed, epoch } = leadership;
  const seen = leaderOf(view);
  const cannotStart = seen.failures >= failuresMax || seen.data.kind === 'none';
  const mayElect = sealed && (voters.length >= 2 || (cannotStart && voters.length === 1));
  const allSilent = voters.every((voter) => isSilent(nodes.get(voter)?.answer ?? null));
  const allAnswer = voters.every((voter) => answersNow(nodes.get(voter)));
  const allAfter = voters.every((voter) => (nodes.get(voter)?.silentMs ?? 0) < seen.goneMs);
  if (mayElect && allAnswer && allSilent && allAfter) return [elect(view)];

  const waitedMs = view.now - memory.leaderGoneSince;
  const limitMs = cannotStart ? timing.electionWithoutLeaderMsMax : timing.electionMsMax;
  const allMayAnswer = voters.every((voter) => mayAnswer(nodes.get(voter)));
  const worthWaiting = mayElect && allMayAnswer && waitedMs < limitMs;
  if (worthWaiting) {
    const silences = voters.flatMap((node): Action[] => {
      const voter = nodes.get(node);
      if (voter === undefined || voter.task !== null) return [];
      if (!answersNow(voter) || isSilent(voter.answer)) return [];
      const why = `${leader} is gone: ${node} stops receiving, so that its position is final`;
      return [{ kind: 'silence', node, why }];
    });
    return [...silences, ...reviveVoters(view)];
  }
  const revived = reviveVoters(view);
  if (seen.task !== null || seen.data.kind === 'none') return revived;
  if (seen.goneMs < restartDelayMs(seen.failures)) return revived;
  const missing = voters.filter((voter) => !mayAnswer(nodes.get(voter)));
  const reason = !sealed
    ? `epoch ${epoch} has no confirmed commit yet`
    : missing.length > 0
      ? `${missing.join(' and ')} cannot be reached, and may hold what nobody else does`
      : `only ${voters.length} of its followers may count`;
  const why = `${leader} is gone and is started again where it was: ${reason}`;
  const source = null;
  return [{ kind: 'start', node: leader, source, why }, ...revived];
}

function elect({ leadership, nodes, handOver }: View): Action {
  let best: NodeId | null = null;
  let furthest: Position = { timeline: -1, lsn: -1 };
  for (const voter of leadership.voters) {
    const answer = nodes.get(voter)?.answer ?? null;
    if (!isSilent(answer)) throw new Error(`${voter} votes without being silent`);
    const preferred = voter === handOver?.to && !isFurther(furthest, answer);
    if (isFurther(answer, furthest) || preferred) {
      best = voter;
      furthest = { timeline: answer.timeline, lsn: answer.lsn };
    }
  }
  if (best === null) throw new Error('an election needs a voter');
  const next = elected(leadership, best);
  const voters = leadership.voters.length;
  const why =
    `${best} leads epoch ${next.epoch}: of ${voters} voters it reaches furthest ` +
    `(timeline ${furthest.timeline}, byte ${furthest.lsn}); ` +
    `${leadership.leader} must be copied anew`;
  return { kind: 'persist', leadership: next, why };
}

/** Elected and written down; nobody else may be able to write when it takes over. */
function promote(view: View): readonly Action[] {
  const { leadership, nodes } = view;
  const { leader: node, voters, epoch } = leadership;
  const seen = leaderOf(view);
  const unfenced = [...nodes].filter(
    ([id, { process, answer }]) =>
      id !== node && !voters.includes(id) && process === 'running' && answer?.role !== 'follower',
  );
  const revived = reviveVoters(view);
  if (unfenced.length > 0) {
    const fences = unfenced
      .filter(([, { task }]) => task !== 'fencing')
      .map(([id]): Action => {
        return { kind: 'fence', node: id, why: `${id} must be dead before ${node} takes over` };
      });
    return [...fences, ...revived];
  }
  if (seen.task !== null) return revived;
  const { answer } = seen;
  const receives = answer?.role === 'follower' && (answer.source !== null || answer.receiving);
  if (receives) {
    const why = `${node} was elected and stops receiving`;
    return [{ kind: 'silence', node, why }, ...revived];
  }
  if (!isSilent(answer)) return revived;
  const why = `${node} is promoted to lead epoch ${epoch}`;
  return [{ kind: 'promote', node, quorum: voters, why }, ...revived];
}
