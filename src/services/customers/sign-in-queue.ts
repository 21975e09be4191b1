/**
 * Who may hash a password next. A hash fills 64 MiB and a core for tens of milliseconds on purpose,
 * so few run at once, and everybody who signs in stands in one queue. It is shared fairly:
 *
 *   attempts of a client on an account   one at a time, so that a burst cannot get ahead of the
 *                                        count of its failures
 *   an account under attack              one attempt a pause (SignInLimit says when): a delay for
 *                                        clients that are new to it, not a lock
 *   an account's new clients             one place in the queue of all, from however many addresses
 *                                        it is guessed at
 *   a client                             one place in the queue of all, however much it sends
 *   all                                  `hashesAtOnceMax` run, the others in turn
 *
 * A client that the account knows does not stand behind all of these: one hash more is for them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Problem, unavailable } from '../../kit/http/problem.ts';
import { KeyedLimit } from '../../kit/keyed-limit.ts';
import type { Attempt, AttemptTerms } from './sign-in-limit.ts';

/** Three at once in all: what a small machine can spare, and 192 MiB at most. */
const hashesAtOnceMax = 2;
const knownHashesAtOnceMax = 1;
const clientsWaitingMax = 200;
const perClientWaitingMax = 20;
const perPairWaitingMax = 3;
const perAccountWaitingMax = 10;
/** With `attackedPauseMs` they all wait for less than a request may take. */
const perAttackedWaitingMax = 3;

export class SignInQueue {
  readonly #pairs = limitOf(1, perPairWaitingMax, () => tooMany('from you', 1));
  readonly #attacked = limitOf(1, perAttackedWaitingMax, () => tooMany('for this account', 5));
  readonly #newClients = limitOf(1, perAccountWaitingMax, () => tooMany('for this account', 2));
  readonly #clients = limitOf(1, perClientWaitingMax, () => tooMany('from your network', 2));
  readonly #all = limitOf(hashesAtOnceMax, clientsWaitingMax, tooManyPeople);
  readonly #known = limitOf(knownHashesAtOnceMax, clientsWaitingMax, tooManyPeople);
  readonly #pause: (ms: number) => Promise<unknown>;

  constructor(pause: (ms: number) => Promise<unknown> = sleep) {
    this.#pause = pause;
  }

  /** Work that hashes. Throws Problem 429 or 503 where the queue is full. */
  hash<T>(client: string, work: () => Promise<T>): Promise<T> {
    return this.#clients.run(client, () => this.#all.run('', work));
  }

  /**
   * Throws what `check` throws, too. A client's place comes before the account's, so that who has
   * a queue of its own to wait for keeps nobody from the account.
   */
  attempt<T>(
    { account, client }: Attempt,
    check: () => Promise<AttemptTerms>,
    work: () => Promise<T>,
  ): Promise<T> {
    return this.#pairs.run(`${client} ${account}`, async () => {
      const { isKnown, pauseMs } = await check();
      if (isKnown) return this.#clients.run(client, () => this.#known.run('', work));
      if (pauseMs > 0) await this.#attacked.run(account, () => this.#pause(pauseMs));
      const inTurn = () => this.#all.run('', work);
      return this.#clients.run(client, () => this.#newClients.run(account, inTurn));
    });
  }
}

function limitOf(runningMax: number, waitingMax: number, refusal: () => Error): KeyedLimit {
  return new KeyedLimit({ runningMax, waitingMax, refusal });
}

function tooManyPeople(): Problem {
  return unavailable('too many people sign in at once', 2);
}

function tooMany(whose: string, seconds: number): Problem {
  const detail = `Many sign-ins ${whose} are waiting. Please try again in ${seconds} s.`;
  const headers = { 'retry-after': String(seconds) };
  return new Problem(429, 'too-many-sign-ins', 'Too many sign-ins at once', { detail }, headers);
}
