import type { Task } from '../../../replication/observation.ts';
import type { PostgresNode } from './node.ts';
import type { Probe } from './probe.ts';

/** A node with what the trio knows about it. */
export interface TrioNode {
  readonly node: PostgresNode;
  readonly probe: Probe;
  task: Task | null;
  failures: number;
  goneAt: number;
  /** Share of a running copy that is done, 0 to 1. */
  copied: number | null;
  /** Why the last step with it failed; null after one that did not. */
  stepError: string | null;
  /** What was said of it since it answered last. */
  readonly reported: Set<string>;
}
