/** Repeats a transaction of the catalog that failed, or whose outcome is unknown. */
import type { Database, Sql } from '../../kit/database/postgres.ts';
import { isRetryable } from '../../kit/database/postgres.ts';

const attemptsMax = 6;

/** Thrown by work that found the world changed under it: nothing is written, do it once more. */
export class RunAgain extends Error {
  override readonly name = 'RunAgain';
}

/**
 * Runs a transaction until it is committed, at most `attemptsMax` times. Throws the last error, and
 * at once one that a retry cannot mend. Only for transactions that may be run any number of times.
 * Two first answers to one checkout meet in the ledger's primary key (23505): the loser runs again
 * and finds the winner's answer. A commit of unknown outcome is run again for the same reason.
 */
export async function runUntilDone<T>(
  database: Database,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await database.transaction(work);
    } catch (error) {
      const { code } = error as { code?: unknown };
      const again = error instanceof RunAgain || code === '23505' || isRetryable(error);
      if (!again || attempt === attemptsMax) throw error;
    }
  }
}
