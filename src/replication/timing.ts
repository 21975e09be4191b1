/** The clocks of the failover, in one place. All limits in milliseconds or bytes. */
export const timing = {
  /**
   * A leader that has not answered for this long is fenced. One second was too little: on a machine
   * with five runnable processes a core, healthy leaders were silent for up to 1.2 s.
   */
  leaderSilentMsMax: 3_000,
  /** The same where the system says that its processes are stopped: it will not answer. */
  suspendedMsMax: 600,
  /** As long for a follower: its absence costs nobody anything, so there is no hurry. */
  followerSilentMsMax: 3_000,
  /** An answer older than this does not count as one of a follower in an election. */
  followerAnswerMsMax: 1_500,
  /** How long an election may take before the old leader is started again instead. */
  electionMsMax: 2_000,
  /** As long where the old leader could not be started several times in a row. */
  electionWithoutLeaderMsMax: 10_000,
  /** How long a starting leader may take while followers could replace it. */
  startMsMax: 6_000,
  /** As long where they could not: crash recovery of several gigabytes of log. */
  recoveryMsMax: 600_000,
  writeFailingMsMax: 500,
  /** After an election, a leader that cannot write is kept this long: all may share one disk. */
  electionGraceMs: 10_000,
  /** A follower that answers, but streams from nobody for this long, is copied anew. */
  detachedMsMax: 15_000,
  /** As long while the leader waits for a first confirmation, so that nobody can buy. */
  detachedAtStartMsMax: 5_000,
  /** A joining follower may be this far behind; the quorum has another voter. */
  joinLagBytesMax: 16 * 1024 * 1024,
  handOverLagBytesMax: 1024 * 1024,
  restartDelayMsMax: 5_000,
} as const;

/** Starts in a row that failed before a node counts as damaged. */
export const failuresMax = 4;

/** Wait before the next start after `failures` failed ones: at once, 100, 200, 400 ms … */
export function restartDelayMs(failures: number): number {
  if (failures === 0) return 0;
  return Math.min(timing.restartDelayMsMax, 100 * 2 ** (failures - 1));
}
