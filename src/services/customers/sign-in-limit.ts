/**
 * How often a password may be guessed. Failures are counted in PostgreSQL, so that neither a
 * restart nor a second instance gives anyone a fresh start; successes are not counted, and one
 * forgives the failures before it.
 *
 * Two counts: one per account and client, small, which stops a guesser without locking the owner
 * of the account out; and one per account over all clients, larger, against a guesser with many
 * addresses. Keys are digests: the table tells nobody who tried to sign in.
 */
import { createHash } from 'node:crypto';
import { RateLimiterPostgres, type RateLimiterRes } from 'rate-limiter-flexible';
import type { Database } from '../../kit/database/postgres.ts';
import { Problem } from '../../kit/http/problem.ts';

export const clientFailuresMax = 10;
const clientWindowSeconds = 600;
export const accountFailuresMax = 100;
const accountWindowSeconds = 3_600;

export interface Attempt {
  readonly email: string;
  /** The client's address. */
  readonly client: string;
}

export class SignInLimit {
  readonly #byClient: RateLimiterPostgres;
  readonly #byAccount: RateLimiterPostgres;

  constructor(database: Database) {
    const store = {
      storeClient: resultsOf(database),
      storeType: 'client',
      tableName: 'sign_in_failures',
      tableCreated: true,
    };
    this.#byClient = new RateLimiterPostgres({
      ...store,
      keyPrefix: 'client',
      points: clientFailuresMax,
      duration: clientWindowSeconds,
      clearExpiredByTimeout: true, // once for the table that both share
    });
    this.#byAccount = new RateLimiterPostgres({
      ...store,
      keyPrefix: 'account',
      points: accountFailuresMax,
      duration: accountWindowSeconds,
      clearExpiredByTimeout: false,
    });
  }

  /** Throws Problem 429 with `Retry-After` where too many attempts have failed. */
  async check(attempt: Attempt): Promise<void> {
    const [client, account] = await Promise.all([
      this.#byClient.get(clientKey(attempt)),
      this.#byAccount.get(accountKey(attempt)),
    ]);
    const blocked = [
      ...(isSpent(client, clientFailuresMax) ? [client.msBeforeNext] : []),
      ...(isSpent(account, accountFailuresMax) ? [account.msBeforeNext] : []),
    ];
    if (blocked.length > 0) throw tooManyFailures(Math.max(...blocked));
  }

  async failed(attempt: Attempt): Promise<void> {
    await Promise.all([
      this.#byClient.penalty(clientKey(attempt)),
      this.#byAccount.penalty(accountKey(attempt)),
    ]);
  }

  async succeeded(attempt: Attempt): Promise<void> {
    await this.#byClient.delete(clientKey(attempt));
  }
}

function isSpent(count: RateLimiterRes | null, failuresMax: number): count is RateLimiterRes {
  return count !== null && count.consumedPoints >= failuresMax;
}

function tooManyFailures(waitMs: number): Problem {
  const seconds = Math.max(1, Math.ceil(waitMs / 1_000));
  return new Problem(
    429,
    'too-many-failures',
    'Too many failed attempts',
    { detail: `try again in ${seconds} s` },
    { 'retry-after': String(seconds) },
  );
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

function accountKey({ email }: Attempt): string {
  return digest(email.toLowerCase());
}

function clientKey({ email, client }: Attempt): string {
  return digest(`${client} ${email.toLowerCase()}`);
}

/** Our database as the limiter expects one: results with a row count. */
function resultsOf(database: Database) {
  return {
    query: async ({ text, values }: { text: string; values: unknown[] }) => {
      const rows = await database.query(text, values);
      return { rows, rowCount: rows.length };
    },
  };
}
