/** Which failures are worth a retry. */
import { isRetryable } from '../../kit/database/postgres.ts';
import { Problem } from '../../kit/http/problem.ts';

const undefinedTable = '42P01';
/** Too busy or down; or the shop's insides do not know each other, which is no checkout's fault. */
const passingStatuses: readonly number[] = [401, 503];

/**
 * A failure that says nothing about the checkout: it is tried again for as long as it may wait. A
 * missing table is one that the orders service is about to make: workers may start first.
 */
export function isTransient(error: unknown): boolean {
  if (error instanceof Problem) return passingStatuses.includes(error.body.status);
  return isRetryable(error) || (error as { code?: unknown }).code === undefinedTable;
}
