/**
 * How often a password may be guessed. Failures are counted in PostgreSQL, so that neither a
 * restart nor a second instance gives anyone a fresh start.
 *
 * Two counts: one per account and client, small, which stops a guesser without locking the owner of
 * the account out; and one per account over all clients. Past that one the account is *under
 * attack*: clients that have never signed in to it wait `attackedPauseMs` for each attempt, one
 * after the other (SignInQueue). A lock would let an attacker with ten addresses keep the owner
 * out. A pause of 2 s leaves a guesser with any number of addresses 1,800 tries an hour for each
 * instance; the second factor, which is to come, makes these tries useless.
 *
 * Accounts are named as the database compares e-mail addresses, never as somebody spells them. Keys
 * are digests: the table does not show who tried to sign in.
 */
import { createHash } from 'node:crypto';
import { RateLimiterPostgres, type RateLimiterRes } from 'rate-limiter-flexible';
import type { Database, Sql } from '../../kit/database/postgres.ts';
import { Problem } from '../../kit/http/problem.ts';

export const clientFailuresMax = 10;
const clientWindowSeconds = 600;
export const accountFailuresMax = 100;
const accountWindowSeconds = 3_600;
const knownClientSeconds = 30 * 86_400;
export const attackedPauseMs = 2_000;

export interface Attempt {
  /** The account's e-mail address as the database compares it, whether there is one or not. */
  readonly account: string;
  /** What the client is counted by: its address or network. */
  readonly client: string;
}

export interface AttemptTerms {
  /** The client has signed in to the account. */
  readonly isKnown: boolean;
  /** It has to wait so long before it may try. */
  readonly pauseMs: number;
}

export class SignInLimit {
  readonly #byClient: RateLimiterPostgres;
  readonly #byAccount: RateLimiterPostgres;
  /** Clients that have signed in to the account. */
  readonly #known: RateLimiterPostgres;

  constructor(database: Database) {
    const limiter = (keyPrefix: string, points: number, duration: number) =>
      new RateLimiterPostgres({
        storeClient: resultsOf(database),
        storeType: 'client',
        tableName: 'sign_in_failures',
        tableCreated: true,
        keyPrefix,
        points,
        duration,
        clearExpiredByTimeout: keyPrefix === 'client', // once for the table that all share
      });
    this.#byClient = limiter('client', clientFailuresMax, clientWindowSeconds);
    this.#byAccount = limiter('account', accountFailuresMax, accountWindowSeconds);
    this.#known = limiter('known', 1, knownClientSeconds);
  }

  /** Throws Problem 429 with `Retry-After` where too many attempts of this client have failed. */
  async check(attempt: Attempt): Promise<AttemptTerms> {
    const [client, account, known] = await Promise.all([
      this.#byClient.get(pairKey(attempt)),
      this.#byAccount.get(accountKey(attempt)),
      this.#known.get(pairKey(attempt)),
    ]);
    if (isSpent(client, clientFailuresMax)) throw tooManyFailures(client.msBeforeNext);
    const isKnown = known !== null;
    const isDelayed = !isKnown && isSpent(account, accountFailuresMax);
    return { isKnown, pauseMs: isDelayed ? attackedPauseMs : 0 };
  }

  async failed(attempt: Attempt): Promise<void> {
    await Promise.all([
      this.#byClient.penalty(pairKey(attempt)),
      this.#byAccount.penalty(accountKey(attempt)),
    ]);
  }

  /** Forgives the client's failures, and knows it from now on. */
  async succeeded(attempt: Attempt): Promise<void> {
    await Promise.all([
      this.#byClient.delete(pairKey(attempt)),
      this.#known.set(pairKey(attempt), 1, knownClientSeconds),
    ]);
  }
}

/** Forgets an account's failures, and the clients that it is known to. */
export async function forgetAttempts(sql: Sql, account: string): Promise<void> {
  const text = `
    delete from sign_in_failures where split_part(split_part(key, ':', 2), '.', 1) = $1`;
  await sql.query(text, [digest(account)]);
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

function accountKey({ account }: Attempt): string {
  return digest(account);
}

function pairKey({ account, client }: Attempt): string {
  return `${digest(account)}.${digest(client)}`;
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
