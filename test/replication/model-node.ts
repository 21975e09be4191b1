import type { Action } from '../../src/replication/action.ts';
import type { NodeId } from '../../src/replication/leadership.ts';
import type { Answer, NodeData, Task } from '../../src/replication/observation.ts';

/** An entry belongs to one history: the one that was below it when it was written. */
export interface Entry {
  readonly index: number;
  readonly timeline: number;
}

export interface ModelNode {
  readonly id: NodeId;
  data: NodeData;
  log: Entry[];
  timeline: number;
  process: 'gone' | 'running' | 'paused';
  /** Accepts connections: started, and not in the middle of it. */
  up: boolean;
  mode: 'leader' | 'follower';
  source: NodeId | null;
  quorum: readonly NodeId[];
  /** As this leader has heard from its followers; may be late. */
  confirmed: Map<NodeId, number>;
  barrier: 'none' | 'waiting' | 'done';
  barrierAt: number;
  lost: Set<NodeId>;
  task: Task | null;
  pending: Action | null;
  /** The command has already had its effect; only its end is not known yet. */
  applied: boolean;
  answer: Answer | null;
  askedAt: number;
  goneAt: number;
  failures: number;
  /** Receives nothing while others go on. */
  lagging: boolean;
  /** Cannot be started. */
  broken: boolean;
}

/** As the first start leaves it: pg-1 leads, the others are copies of it; nothing runs yet. */
export function modelNode(id: NodeId): ModelNode {
  return {
    id,
    data: id === 'pg-1' ? { kind: 'leader' } : { kind: 'follower', epoch: 1 },
    log: [],
    timeline: 1,
    process: 'gone',
    up: false,
    mode: 'follower',
    source: null,
    quorum: [],
    confirmed: new Map(),
    barrier: 'none',
    barrierAt: 0,
    lost: new Set(),
    task: null,
    pending: null,
    applied: false,
    answer: null,
    askedAt: 0,
    goneAt: 0,
    failures: 0,
    lagging: false,
    broken: false,
  };
}
