import type { Leadership, NodeId, Position } from './leadership.ts';

/** What a node answered when it was last asked. */
export type Answer = LeaderAnswer | FollowerAnswer;

export interface LeaderAnswer {
  readonly role: 'leader';
  /** End of the log on this node's disk, bytes. */
  readonly lsn: number;
  /** Names in force in `synchronous_standby_names`. */
  readonly quorum: readonly NodeId[];
  /** Followers that stream from here, and how far their disks are. */
  readonly streaming: ReadonlyMap<NodeId, { readonly flushedLsn: number }>;
  /** Followers whose place in the log is no longer kept: they can only be copied anew. */
  readonly lost: readonly NodeId[];
  /** Whether a commit of this process's life has been confirmed by the quorum. */
  readonly barrier: 'none' | 'waiting' | 'done';
  /** How long writing to its own disk has been failing, ms; 0 while it works. */
  readonly writeFailingMs: number;
}

export interface FollowerAnswer extends Position {
  readonly role: 'follower';
  /** The node that its settings say it follows: null for none, 'other' for an outdated address. */
  readonly source: NodeId | null | 'other';
  /** Whether a WAL receiver still lives: then the position may still move. */
  readonly receiving: boolean;
  /** Whether all log on its disk has been replayed, so that the position is final. */
  readonly replayed: boolean;
}

/** What a node's directory would be if it were started now. */
export type NodeData =
  | { readonly kind: 'none' }
  | { readonly kind: 'leader' }
  /** `epoch`: the epoch in which the copy was made. */
  | { readonly kind: 'follower'; readonly epoch: number };

export type Task =
  | 'starting'
  | 'stopping'
  | 'fencing'
  | 'silencing'
  | 'pointing'
  | 'promoting'
  | 'rebuilding';

export interface NodeSeen {
  readonly data: NodeData;
  readonly process: 'gone' | 'running';
  /** What is being done to it right now; nothing else is begun meanwhile, except a fence. */
  readonly task: Task | null;
  /** The last answer since the process was started or last commanded; null before that. */
  readonly answer: Answer | null;
  /**
   * Time since the query of the last answer was *sent*, or since the process was started or
   * commanded, ms. A command makes earlier answers void: they show the state before it.
   */
  readonly silentMs: number;
  /** How much of that time our own process stood still and could read no answer, ms. */
  readonly excusedMs: number;
  /** The system keeps it from running (SIGSTOP, a frozen container). */
  readonly isSuspended: boolean;
  /** Since the process ended, ms; 0 while it runs. */
  readonly goneMs: number;
  /** Starts or copies in a row that ended without a single answer. */
  readonly failures: number;
}

/** Everything that a decision depends on. */
export interface View {
  /** Milliseconds of any steady clock. */
  readonly now: number;
  readonly leadership: Leadership;
  readonly nodes: ReadonlyMap<NodeId, NodeSeen>;
  /** A planned change of the leader that an operator asked for. */
  readonly handOver: { readonly to: NodeId } | null;
}

export function isSilent(answer: Answer | null): answer is FollowerAnswer {
  return (
    answer !== null &&
    answer.role === 'follower' &&
    answer.source === null &&
    !answer.receiving &&
    answer.replayed
  );
}

export function isAttached({ leadership, nodes }: View, node: NodeId): boolean {
  const leader = nodes.get(leadership.leader)?.answer;
  return leader?.role === 'leader' && leader.streaming.has(node);
}
