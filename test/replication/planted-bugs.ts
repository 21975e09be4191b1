/**
 * Failover machines that are wrong on purpose: the real one, behind eyes that see what a bug would
 * have taken for granted. The model must show what each of them breaks.
 */
import type {
  Answer,
  FollowerAnswer,
  LeaderAnswer,
  NodeSeen,
  View,
} from '../../src/replication/observation.ts';

export interface PlantedBug {
  readonly name: string;
  /** What the model says of it. */
  readonly breaks: RegExp;
  readonly see: (view: View) => View;
}

type ChangeSeen = (seen: NodeSeen, view: View, id: string) => NodeSeen;

function withNodes(change: ChangeSeen): (view: View) => View {
  return (view) => {
    const nodes = new Map([...view.nodes].map(([id, seen]) => [id, change(seen, view, id)]));
    return { ...view, nodes };
  };
}

function withLeader(change: (answer: LeaderAnswer, view: View) => LeaderAnswer): PlantedBug['see'] {
  return withNodes((seen, view) => {
    return seen.answer?.role === 'leader' ? { ...seen, answer: change(seen.answer, view) } : seen;
  });
}

function isFollower(answer: Answer | null | undefined): answer is FollowerAnswer {
  return answer?.role === 'follower';
}

/** The other voter, beside this one. */
function otherVoter({ leadership, nodes }: View, id: string): NodeSeen | undefined {
  if (!leadership.voters.includes(id)) return undefined;
  return nodes.get(leadership.voters.find((voter) => voter !== id) ?? '');
}

const losesCommits = /leads without acknowledged entry/;

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'an epoch counts as sealed before a voter confirmed any commit of it',
    breaks: losesCommits,
    see: (view) => ({ ...view, leadership: { ...view.leadership, sealed: true } }),
  },
  {
    name: 'an election without a voter that was not heard',
    breaks: losesCommits,
    see: withNodes((seen, view, id) => {
      const other = otherVoter(view, id);
      const isUnheard = seen.process === 'gone' || seen.answer === null;
      return isUnheard && isFollower(other?.answer) ? { ...seen, ...other } : seen;
    }),
  },
  {
    name: 'the nearer of two followers is elected',
    breaks: losesCommits,
    see: withNodes((seen, view, id) => {
      const other = otherVoter(view, id)?.answer;
      if (!isFollower(seen.answer) || !isFollower(other)) return seen;
      const { lsn, timeline } = other;
      return { ...seen, answer: { ...seen.answer, lsn, timeline } };
    }),
  },
  {
    name: 'a position that was read before the leader died counts',
    // which comes first depends on who was further; a follower that hangs is believed to answer,
    // too
    breaks: /leads without acknowledged entry|the leader is published|both followers vote/,
    see: withNodes((seen, { leadership, nodes }) => {
      const isOrphan = nodes.get(leadership.leader)?.process === 'gone';
      if (!isOrphan || !isFollower(seen.answer)) return seen;
      const answer = { ...seen.answer, source: null, receiving: false, replayed: true };
      return { ...seen, silentMs: 0, answer };
    }),
  },
  {
    name: 'a follower that streams is believed to hold everything',
    breaks: losesCommits,
    see: withLeader((answer) => {
      const streaming = new Map(
        [...answer.streaming].map(([id]) => [id, { flushedLsn: answer.lsn }]),
      );
      return { ...answer, streaming };
    }),
  },
  {
    name: 'names that were written down are believed to be in force',
    breaks: /the leader is published/,
    see: withLeader((answer, { leadership }) => ({ ...answer, quorum: leadership.voters })),
  },
];
