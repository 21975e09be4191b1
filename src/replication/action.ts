import type { Leadership, NodeId } from './leadership.ts';

/** One step for the executor, with the sentence that explains it. */
export type Action = { readonly why: string } & (
  | { readonly kind: 'fence'; readonly node: NodeId }
  /** Ends the process in order, so that followers hold all of its log. */
  | { readonly kind: 'stop'; readonly node: NodeId }
  /** Starts it as what its directory is; a follower of `source`. */
  | { readonly kind: 'start'; readonly node: NodeId; readonly source: NodeId | null }
  /** Makes a follower receive from nobody, so that its position becomes final. */
  | { readonly kind: 'silence'; readonly node: NodeId }
  | { readonly kind: 'follow'; readonly node: NodeId; readonly source: NodeId }
  /** `quorum`: in force before the first commit of the new leader. */
  | { readonly kind: 'promote'; readonly node: NodeId; readonly quorum: readonly NodeId[] }
  | { readonly kind: 'set-quorum'; readonly node: NodeId; readonly quorum: readonly NodeId[] }
  /** Commits once and waits for the quorum: what came before is then on two disks. */
  | { readonly kind: 'barrier'; readonly node: NodeId }
  /** Wipes the directory and makes a fresh copy of the leader's. Never a voter. */
  | { readonly kind: 'rebuild'; readonly node: NodeId; readonly from: NodeId }
  /** On disk, with fsync, before anything else is done. Always the last of a decision. */
  | { readonly kind: 'persist'; readonly leadership: Leadership }
);

/** What clients read: no leader means "wait". */
export interface Publication {
  readonly leader: NodeId | null;
  readonly followers: readonly NodeId[];
}
