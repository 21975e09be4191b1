/**
 * Who leads the trio, as it is written to disk before anyone acts on it.
 *
 * `voters` are the followers whose confirmation may count for a commit: the leader's
 * `synchronous_standby_names` never names anyone else. So every acknowledged commit is on the
 * leader and on at least one voter, and the furthest of *all* voters has
 * them all. With three healthy nodes there are two voters, and asking both is the N - K + 1 = 2
 * of the textbooks; while a node is being rebuilt it is no voter and need not be asked.
 *
 * `sealed` says that a voter has confirmed a commit of this very epoch. Before that, only the
 * leader itself is known to hold everything, so it may be restarted but never replaced.
 */
export type NodeId = string;

export interface Leadership {
  /** Grows by one with every election. */
  readonly epoch: number;
  readonly leader: NodeId;
  readonly voters: readonly NodeId[];
  readonly sealed: boolean;
}

/** How far a follower's copy of the log reaches. Timeline first: a later one has a later leader. */
export interface Position {
  readonly timeline: number;
  /** Bytes from the beginning of the log. */
  readonly lsn: number;
}

export function isFurther(a: Position, b: Position): boolean {
  return a.timeline === b.timeline ? a.lsn > b.lsn : a.timeline > b.timeline;
}

/** The next epoch: `leader` is one of the old voters, the others remain voters. */
export function elected(before: Leadership, leader: NodeId): Leadership {
  const voters = before.voters.filter((voter) => voter !== leader);
  return { epoch: before.epoch + 1, leader, voters, sealed: false };
}

export function withVoters(before: Leadership, voters: readonly NodeId[]): Leadership {
  return { ...before, voters: [...voters].sort() };
}
