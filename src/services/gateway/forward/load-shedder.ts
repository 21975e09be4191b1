/**
 * Lets in what can be answered and turns away the rest soon, the least important first.
 *
 * Two signals: how much a kind of work has in flight against its adaptive limit, and how late the
 * event loop of this process runs. Each importance may fill only its share of the limit:
 * whoever looks after a cart, an account or an order comes before who reads a page, and people
 * before crawlers. Answers from the cache are not shed: they cost no more than the refusal.
 *
 * While a kind of work is pressed no client holds more than a quarter of its room, in flight or
 * waiting, so that one address that asks for all there is leaves room for everybody else.
 *
 * A burst is no overload: who finds no room waits for it. But when there has been no ease for
 * `burstMsMax`, waiting longer only makes everybody late, and patience grows short (the controlled
 * delay of Nichols and Jacobson, as Facebook applies it to requests). Ease is half of the room
 * being free; an empty line is not, since refusals empty it too.
 *
 * Pages are served newest first (the "adaptive LIFO" of the same article: Maurer, Fail at Scale,
 * 2015): in a flood some must be refused, and better those who have waited their time than that
 * everybody who is let in had to wait first. Carts, accounts and orders are served in turn.
 */
import type { IncomingMessage } from 'node:http';
import { Problem } from '../../../kit/http/problem.ts';
import type { Priority } from '../routing/routes.ts';
import { afterFinish, firstLimit, type InFlightLimit } from './in-flight-limit.ts';

export type Importance = Priority | 'crawler';

const order: readonly Importance[] = ['account', 'page', 'crawler'];

const shares: Readonly<Record<Importance, number>> = { account: 1, page: 0.8, crawler: 0.5 };

/** Behind by more than this, the loop takes no more work of that importance. */
const latenessMsMax: Readonly<Record<Importance, number>> = {
  account: 1_000,
  page: 500,
  crawler: 150,
};

const newestFirst: ReadonlySet<Importance> = new Set(['page', 'crawler']);

const tickMs = 50;
const burstMsMax = 100;

/** How long who finds no room waits: in a burst, and when there is no ease any more. */
const patienceMs: Readonly<Record<Importance, { readonly burst: number; readonly busy: number }>> =
  {
    account: { burst: 2_000, busy: 500 },
    page: { burst: 100, busy: 10 },
    crawler: { burst: 50, busy: 0 },
  };

const lineLengthMax = 2_000;
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
  /** The work has ended; `failed` where nobody answered. A second call changes nothing. */
  leave(failed: boolean): void;
}

/** Called when there is room for it. */
type Waiter = () => void;

interface Kind {
  limit: InFlightLimit;
  inFlight: number;
  /** Who waits for room, by importance, in the order of coming. */
  readonly lines: Readonly<Record<Importance, Waiter[]>>;
  /** Since when there has been no ease; null while there is. */
  pressedSince: number | null;
  /** Requests of each client, in flight and waiting. */
  readonly clients: Map<string, number>;
}

/** Monotonic milliseconds and alarms, replaceable for tests. */
export interface Stopwatch {
  now(): number;
  /** Runs `run` after so long. Returns the way to prevent it. */
  after(milliseconds: number, run: () => void): () => void;
}

const systemStopwatch: Stopwatch = {
  now: () => performance.now(),
  after(milliseconds, run) {
    const timer = setTimeout(run, milliseconds).unref();
    return () => clearTimeout(timer);
  },
};

export class LoadShedder {
  readonly #stopwatch: Stopwatch;
  readonly #kinds = new Map<string, Kind>();
  #stopTicking: () => void = () => {};
  #expectedAt: number;
  #latenessMs = 0;
  /** Refusals by importance, for metrics. */
  readonly shed: Record<Importance, number> = { account: 0, page: 0, crawler: 0 };

  constructor(stopwatch: Stopwatch = systemStopwatch) {
    this.#stopwatch = stopwatch;
    this.#expectedAt = stopwatch.now() + tickMs;
    this.#scheduleTick();
  }

  close(): void {
    this.#stopTicking();
  }

  /** How late the loop runs: rises at once, halves with every tick that is on time. */
  tick(): void {
    const now = this.#stopwatch.now();
    const late = Math.max(0, now - this.#expectedAt);
    this.#latenessMs = Math.max(late, this.#latenessMs / 2);
    this.#expectedAt = now + tickMs;
  }

  #scheduleTick(): void {
    this.#stopTicking = this.#stopwatch.after(tickMs, () => {
      this.tick();
      this.#scheduleTick();
    });
  }

  get latenessMs(): number {
    return this.#latenessMs;
  }

  /** For metrics: limit and use by kind of work. */
  *kinds(): Generator<{ kind: string; limit: number; inFlight: number; waiting: number }> {
    for (const [name, kind] of this.#kinds) {
      const { limit, inFlight } = kind;
      yield { kind: name, limit: limit.limit, inFlight, waiting: waitingIn(kind) };
    }
  }

  /**
   * Throws Problem 503 to a crawler that would find no room now, and to a client that holds its
   * share, without counting in: before work that others may wait for as well.
   */
  check(name: string, importance: Importance, client: string | null): void {
    const kind = this.#kind(name);
    const isLate = this.#latenessMs > latenessMsMax[importance];
    const isCrowded = importance === 'crawler' && (isLate || !hasRoom(kind, importance));
    if (isCrowded || holdsItsShare(kind, importance, client)) throw this.#refusal(importance);
  }

  /**
   * Counts the work in, until it leaves: at once where there is room. Throws Problem 503, or
   * rejects with it, where there is none. `client`: whose work it is; null for nobody's.
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
    if (kind.inFlight * 2 <= kind.limit.limit) kind.pressedSince = null;
    const enteredAt = this.#stopwatch.now();
    let left = false;
    return {
      leave: (failed) => {
        if (left) return;
        left = true;
        const now = this.#stopwatch.now();
        const done = { milliseconds: now - enteredAt, inFlight: kind.inFlight, failed };
        kind.limit = afterFinish(kind.limit, done, now);
        kind.inFlight -= 1;
        countClient(kind, client, -1);
        this.#admitNext(kind);
      },
    };
  }

  async #wait(kind: Kind, importance: Importance): Promise<void> {
    const now = this.#stopwatch.now();
    kind.pressedSince ??= now;
    if (waitingIn(kind) >= lineLengthMax) throw this.#refusal(importance);
    const isBurst = now - kind.pressedSince <= burstMsMax;
    // A late loop runs alarms before it reads the answers that would have made room.
    const waitMs = patienceMs[importance][isBurst ? 'burst' : 'busy'] + this.#latenessMs;
    await new Promise<void>((resolve, reject) => {
      const line = kind.lines[importance];
      const prevent = this.#stopwatch.after(waitMs, () => {
        line.splice(line.indexOf(admit), 1);
        reject(this.#refusal(importance));
      });
      const admit: Waiter = () => {
        prevent();
        resolve();
      };
      line.push(admit);
    });
  }

  /** The more important before; among equals in turn, or the newest first. */
  #admitNext(kind: Kind): void {
    for (const importance of order) {
      const line = kind.lines[importance];
      while (line.length > 0) {
        if (!hasRoom(kind, importance)) return;
        kind.inFlight += 1;
        const next = newestFirst.has(importance) ? line.pop() : line.shift();
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
      const now = this.#stopwatch.now();
      const lines = { account: [], page: [], crawler: [] };
      const limit = firstLimit(now);
      kind = { limit, inFlight: 0, lines, pressedSince: null, clients: new Map() };
      this.#kinds.set(name, kind);
    }
    return kind;
  }
}

function waitingIn({ lines }: Kind): number {
  return order.reduce((sum, importance) => sum + lines[importance].length, 0);
}

function hasRoom({ inFlight, limit }: Kind, importance: Importance): boolean {
  return inFlight < limit.limit * shares[importance];
}

/** Only where room is scarce: a client without others may have all of it. */
function holdsItsShare(kind: Kind, importance: Importance, client: string | null): boolean {
  if (client === null || (kind.pressedSince === null && hasRoom(kind, importance))) return false;
  return (kind.clients.get(client) ?? 0) >= kind.limit.limit * clientShareMax;
}

function countClient({ clients }: Kind, client: string | null, change: 1 | -1): void {
  if (client === null) return;
  const count = (clients.get(client) ?? 0) + change;
  if (count > 0) clients.set(client, count);
  else clients.delete(client);
}
