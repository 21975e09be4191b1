/**
 * The orders database of a history on PostgreSQL. Simulated time stands still while a statement
 * runs, so statements never overlap: what is tried is the SQL, not its locks.
 */
import type { PendingFollowUp } from '../../eval/history/history.ts';
import type { Database } from '../../src/kit/database/postgres.ts';
import { PostgresQueue } from '../../src/queue/postgres-queue.ts';
import type { FollowUpKind, NewCheckout } from '../../src/queue/purchase-queue.ts';
import type { Scheduler } from './scheduler.ts';
import type { OrdersQueue, OrdersStore, StoreContents } from './simulated-orders.ts';

const tables = 'checkouts, queue, orders, rejections, follow_ups, cart_purchases';

/** For the next history. */
export async function emptyOrders(database: Database): Promise<void> {
  await database.query(`truncate ${tables} restart identity`);
}

export class PostgresStore extends PostgresQueue implements OrdersStore {
  readonly #database: Database;

  constructor(database: Database, scheduler: Scheduler) {
    const stopping: Database = {
      ...database,
      query: (text, values) => scheduler.outside(database.query(text, values)),
      transaction: (work, options) => scheduler.outside(database.transaction(work, options)),
    };
    super(stopping);
    this.#database = stopping;
  }

  forProcess(): OrdersQueue {
    return new PostgresQueue(this.#database);
  }

  async follow(checkoutId: string, kind: FollowUpKind): Promise<void> {
    await this.#database.query('insert into follow_ups (checkout_id, kind) values ($1, $2)', [
      checkoutId,
      kind,
    ]);
  }

  async inspect(): Promise<StoreContents> {
    const rows = await this.#database.query<NewCheckout & { readonly seq: number }>(
      'select id, key, hash, seq, expires, customer, request from checkouts order by seq',
    );
    const waiting = await this.#database.query<{ readonly id: string }>(
      'select checkout_id as id from queue order by seq',
    );
    const followUps = await this.#database.query<PendingFollowUp>(
      'select checkout_id as "checkoutId", kind from follow_ups order by id',
    );
    return {
      accepted: rows.map(({ seq, ...checkout }) => ({ checkout, seq })),
      waiting: waiting.map(({ id }) => id),
      decisions: await this.outcomes(rows.map(({ id }) => id)),
      followUps,
    };
  }
}
