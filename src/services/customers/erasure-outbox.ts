/**
 * Erasing a customer concerns two services. This one blanks its own rows and, in the same
 * transaction, adds a row to the table `erasures`. The request to the orders service is repeated
 * until that has confirmed it, however long it is down and whichever instance crashes.
 *
 * An erasure is *due*, *leased* (one instance delivers it; `due_at` lies `leaseMs` ahead, so that
 * it becomes due again where that one crashed), or *done*: its row is gone. A refusal makes it due
 * again, each time after twice as long, up to `retryMsMax`. Delivering twice is harmless.
 *
 * A purchase of a session that lived a moment ago may reach the orders service after the erasure.
 * So the last delivery comes `settleMs` after the erasure, when no such purchase is under way.
 */

import type { Database, Sql } from '../../kit/database/postgres.ts';
import type { Log } from '../../kit/log.ts';

const leaseMs = 30_000;
const retryMsFirst = 1_000;
const retryMsMax = 60_000;
const pollMs = 5_000;
/** A gateway gives a body 10 s, a cart 2 s, and the intake of a purchase 13 s: amply more. */
const settleMs = 120_000;
const batchMax = 20;

/** Has the orders service erase a customer. Throws where it could not, or not yet. */
export type SendErasure = (customerId: string) => Promise<void>;

export async function addErasure(sql: Sql, customerId: string): Promise<void> {
  const text = 'insert into erasures (customer_id) values ($1) on conflict do nothing';
  await sql.query(text, [customerId]);
}

const leaseSql = `
update erasures set attempts = attempts + 1, due_at = now() + $1 * interval '1 millisecond'
where customer_id in (
  select customer_id from erasures where due_at <= now()
  order by due_at limit ${batchMax} for update skip locked)
returning customer_id, attempts`;

interface Leased {
  readonly customer_id: string;
  readonly attempts: number;
}

const postponeSql = `
update erasures set due_at = now() + $2 * interval '1 millisecond' where customer_id = $1`;

/** Milliseconds until the next attempt, after `attempts` that failed. */
export function retryMs(attempts: number): number {
  return Math.min(retryMsMax, retryMsFirst * 2 ** Math.min(attempts - 1, 16));
}

const doneSql = `
delete from erasures
where customer_id = $1 and requested_at <= now() - $2 * interval '1 millisecond'
returning 1`;

const settleSql = `
update erasures set attempts = 0, due_at = requested_at + $2 * interval '1 millisecond'
where customer_id = $1`;

export class ErasureOutbox {
  readonly #database: Database;
  readonly #send: SendErasure;
  readonly #log: Log;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(database: Database, send: SendErasure, log: Log) {
    this.#database = database;
    this.#send = send;
    this.#log = log;
  }

  start(): void {
    this.wake();
  }

  /** Looks for due erasures now instead of at the next poll. */
  wake(): void {
    if (this.#closed) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#running = this.#running
      .then(() => this.deliver())
      .catch((error) => this.#log.warn({ err: error }, 'erasures could not be read'))
      .finally(() => this.#sleep());
  }

  #sleep(): void {
    if (this.#closed) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.wake(), pollMs).unref();
  }

  /** Delivers all that is due. Resolves to the number that is done. */
  async deliver(): Promise<number> {
    const due = await this.#database.query<Leased>(leaseSql, [leaseMs]);
    const delivered = await Promise.all(due.map((each) => this.#deliverOne(each)));
    return delivered.filter(Boolean).length;
  }

  async #deliverOne({ customer_id, attempts }: Leased): Promise<boolean> {
    try {
      await this.#send(customer_id);
    } catch (error) {
      const wait = retryMs(attempts);
      const reason = (error as Error).message;
      this.#log.warn({ customerId: customer_id, attempts, wait, reason }, 'erasure put off');
      await this.#database.query(postponeSql, [customer_id, wait]);
      return false;
    }
    const done = await this.#database.query(doneSql, [customer_id, settleMs]);
    if (done.length === 0) await this.#database.query(settleSql, [customer_id, settleMs]);
    return done.length > 0;
  }

  /** Lets the deliveries under way finish. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#running;
  }
}
