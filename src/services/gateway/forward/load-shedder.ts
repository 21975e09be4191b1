/**
 * Load shedding: admits the requests that can be answered and refuses the others soon, the least
 * important first.
 *
 * There are two signals: how much of its adaptive limit a kind of work has in flight, and how late
 * the event loop of this process runs. Each importance may use only its share of the limit: carts,
 * accounts and orders come before pages, and people before crawlers. Answers from the cache are not
 * shed: they cost no more than the refusal.
 *
 * While a kind of work is busy no client holds more than a quarter of its limit, in flight or
 * waiting. So one address with very many requests leaves room for all others.
 *
 * A burst is not an overload: a request without room waits in a queue. But when a kind was busy for
 * longer than `burstMsMax`, a longer wait only makes everybody late, and the queue's time limit
 * becomes short (the "controlled delay" of Nichols and Jacobson, as Facebook applies it to
 * requests). A kind is busy until half of its limit is free. An empty queue does not end it, since
 * refusals empty the queue too.
 *
 * Pages are served newest first (the "adaptive LIFO" of the same article: Maurer, Fail at Scale,
 * 2015). Under overload some must be refused: better to refuse those who have waited longest than
 * to delay everyone. Carts, accounts and orders are served in order of arrival.
 */
import type { IncomingMessage } from 'node:http';
import { Problem } from '../../../kit/http/problem.ts';
import type { Priority } from '../routing/routes.ts';
import { afterFinish, firstLimit, type InFlightLimit } from './in-flight-limit.ts';

export type Importance = Priority | 'crawler';

const order: readonly Importance[] = ['account', 'page', 'crawler'];

const shares: Readonly<Record<Importance, number>> = { account: 1, page: 0.8, crawler: 0.5 };

/** While the event loop is later than this, it admits no more work of that importance. */
const latenessMsMax: Readonly<Record<Importance, number>> = {
  account: 1_000,
  page: 500,
  crawler: 150,
};

const newestFirst: ReadonlySet<Importance> = new Set(['page', 'crawler']);

const tickMs = 50;
const burstMsMax = 100;

/** How long a request may wait: in a burst, and when the kind has been busy for longer. */
const waitMsMax: Readonly<Record<Importance, { readonly burst: number; readonly busy: number }>> = {
  account: { burst: 2_000, busy: 500 },
  page: { burst: 100, busy: 10 },
  crawler: { burst: 50, busy: 0 },
};

const queueLengthMax = 2_000;
const clientShareMax = 0.25;
const retryAfterSeconds = 2;
const crawlerForm = /bot[/;,)]|crawl|spider|slurp|facebookexternalhit|preview|scrap/i;

export function importanceOf(
  priority: Priority,
  { headers }: Pick<IncomingMessage, 'headers'>,
): Importance {
  if (priority !== 'page') return priority;
  return crawlerForm.test(headers['user-agent'] ?? '') ? 'crawler' : 'page';
}

export interface Admission {
  /** The work has ended; `failed`: without an answer. A second call changes nothing. */
  leave(failed: boolean): void;
}

interface Kind {
  limit: InFlightLimit;
  inFlight: number;
  /** Waiting requests in order of arrival; each function admits its request. */
  readonly queues: Readonly<Record<Importance, (() => void)[]>>;
  /** Null while it is not busy. */
  busySince: number | null;
  /** Requests of each client, in flight and waiting. */
  readonly clients: Map<string, number>;
}

/** Monotonic milliseconds and timers, replaceable for tests. */
export interface Timers {
  now(): number;
  /** Runs `run` later. Returns a function that cancels it. */
  after(milliseconds: number, run: () => void): () => void;
}

const systemTimers: Timers = {
  now: () => performance.now(),
  after(milliseconds, run) {
    const timer = setTimeout(run, milliseconds).unref();
    return () => clearTimeout(timer);
  },
};

export class LoadShedder {
  readonly #timers: Timers;
  readonly #kinds = new Map<string, Kind>();
  #stopTicking: () => void = () => {};
  #expectedAt: number;
  #latenessMs = 0;
  /** Refusals by importance, for metrics. */
  readonly shed: Record<Importance, number> = { account: 0, page: 0, crawler: 0 };

  constructor(timers: Timers = systemTimers) {
    this.#timers = timers;
    this.#expectedAt = timers.now() + tickMs;
    this.#scheduleTick();
  }

  close(): void {
    this.#stopTicking();
  }

  /** Measures how late the loop runs: rises at once, halves with every tick that is on time. */
  tick(): void {
    const now = this.#timers.now();
    const late = Math.max(0, now - this.#expectedAt);
    this.#latenessMs = Math.max(late, this.#latenessMs / 2);
    this.#expectedAt = now + tickMs;
  }

  #scheduleTick(): void {
    this.#stopTicking = this.#timers.after(tickMs, () => {
      this.tick();
      this.#scheduleTick();
    });
  }

  get latenessMs(): number {
    return this.#latenessMs;
  }

  /** For metrics: the limit of each kind of work. */
  *limits(): Generator<readonly [kind: string, limit: number]> {
    for (const [name, { limit }] of this.#kinds) yield [name, limit.limit];
  }

  /**
   * Throws Problem 503 for a crawler without room, and for a client that holds its share. It counts
   * nothing: call it before work that others may wait for as well.
   */
  check(name: string, importance: Importance, client: string | null): void {
    const kind = this.#kind(name);
    const isLate = this.#latenessMs > latenessMsMax[importance];
    const isFull = importance === 'crawler' && (isLate || !hasRoom(kind, importance));
    if (isFull || holdsItsShare(kind, importance, client)) throw this.#refusal(importance);
  }

  /**
   * Admits the work, at once where there is room, and counts it until `leave`. Throws Problem 503,
   * or rejects with it, where there is no room. `client`: whose share it counts for; null: none.
   */
  enter(
    name: string,
    importance: Importance,
    client: string | null = null,
  ): Admission | Promise<Admission> {
    const kind = this.#kind(name);
    if (this.#latenessMs > latenessMsMax[importance]) throw this.#refusal(importance);
    const isRoom = hasRoom(kind, importance);
    if (holdsItsShare(kind, importance, client)) throw this.#refusal(importance);
    countClient(kind, client, 1);
    if (isRoom) {
      kind.inFlight += 1;
      return this.#admitted(kind, client);
    }
    return this.#wait(kind, importance).then(
      () => this.#admitted(kind, client),
      (refusal) => {
        countClient(kind, client, -1);
        throw refusal;
      },
    );
  }

  #admitted(kind: Kind, client: string | null): Admission {
    if (kind.inFlight * 2 <= kind.limit.limit) kind.busySince = null;
    const enteredAt = this.#timers.now();
    let left = false;
    return {
      leave: (failed) => {
        if (left) return;
        left = true;
        const now = this.#timers.now();
        const done = { milliseconds: now - enteredAt, inFlight: kind.inFlight, failed };
        kind.limit = afterFinish(kind.limit, done, now);
        kind.inFlight -= 1;
        countClient(kind, client, -1);
        this.#admitNext(kind);
      },
    };
  }

  async #wait(kind: Kind, importance: Importance): Promise<void> {
    const now = this.#timers.now();
    kind.busySince ??= now;
    if (waitingIn(kind) >= queueLengthMax) throw this.#refusal(importance);
    const isBurst = now - kind.busySince <= burstMsMax;
    // A late loop runs timers before it reads the answers that would have made room.
    const waitMs = waitMsMax[importance][isBurst ? 'burst' : 'busy'] + this.#latenessMs;
    await new Promise<void>((resolve, reject) => {
      const queue = kind.queues[importance];
      const cancel = this.#timers.after(waitMs, () => {
        queue.splice(queue.indexOf(admit), 1);
        reject(this.#refusal(importance));
      });
      const admit = (): void => {
        cancel();
        resolve();
      };
      queue.push(admit);
    });
  }

  /** The most important first; of one importance the oldest, or of pages the newest. */
  #admitNext(kind: Kind): void {
    for (const importance of order) {
      const queue = kind.queues[importance];
      while (queue.length > 0) {
        if (!hasRoom(kind, importance)) return;
        kind.inFlight += 1;
        const next = newestFirst.has(importance) ? queue.pop() : queue.shift();
        next?.();
      }
    }
  }

  #refusal(importance: Importance): Problem {
    this.shed[importance] += 1;
    return new Problem(
      503,
      'overloaded',
      'The shop is very busy',
      { detail: 'Too much is going on at this moment. Please try again in a few seconds.' },
      { 'retry-after': String(retryAfterSeconds) },
    );
  }

  #kind(name: string): Kind {
    let kind = this.#kinds.get(name);
    if (kind === undefined) {
      const queues = { account: [], page: [], crawler: [] };
      const limit = firstLimit(this.#timers.now());
      kind = { limit, inFlight: 0, queues, busySince: null, clients: new Map() };
      this.#kinds.set(name, kind);
    }
    return kind;
  }
}

function waitingIn({ queues }: Kind): number {
  return order.reduce((sum, importance) => sum + queues[importance].length, 0);
}

function hasRoom({ inFlight, limit }: Kind, importance: Importance): boolean {
  return inFlight < limit.limit * shares[importance];
}

/** Only while the kind is busy: before that one client may use all of its room. */
function holdsItsShare(kind: Kind, importance: Importance, client: string | null): boolean {
  if (client === null || (kind.busySince === null && hasRoom(kind, importance))) return false;
  return (kind.clients.get(client) ?? 0) >= kind.limit.limit * clientShareMax;
}

function countClient({ clients }: Kind, client: string | null, change: 1 | -1): void {
  if (client === null) return;
  const count = (clients.get(client) ?? 0) + change;
  if (count > 0) clients.set(client, count);
  else clients.delete(client);
}
