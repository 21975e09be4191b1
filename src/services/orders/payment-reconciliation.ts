/**
 * The test provider's ledger against the order log, both ways: each captured payment must belong to
 * a standing order, or to something that is still to be decided or carried out; each standing order
 * must have been captured, at its total.
 *
 * The ledger is read between two readings of the database: orders up to `newest` were captured
 * before it was read, and all that it holds was accepted before that. So neither way reports what
 * is still in progress.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { type Invariant, invariant } from '../../api/integrity.ts';
import type { Database } from '../../kit/database/postgres.ts';
import { PaymentLedger } from '../../shop/payment-ledger.ts';

const pageRows = 5_000;

export async function reconcilePayments(
  database: Database,
  ledgerFile: string,
): Promise<Invariant> {
  const [log] = await database.query<{ newest: number }>(
    'select coalesce(max(number), 0) as newest from orders',
  );
  const ledger = await readLedger(ledgerFile);
  const stray = await findStray(database, ledger);
  const { orders, due, unpaid } = await findUnpaid(database, ledger, log?.newest ?? 0);
  let captured = 0;
  for (const { amount } of ledger.captured.values()) captured += amount;
  const figures = {
    captured,
    due,
    orders,
    payments: ledger.captured.size,
    unreadableLines: ledger.unreadable,
  };
  return invariant('money captured = money on orders', figures, [...stray, ...unpaid]);
}

async function readLedger(file: string): Promise<PaymentLedger> {
  const ledger = new PaymentLedger();
  for await (const line of createInterface({ input: createReadStream(file) })) ledger.add(line);
  return ledger;
}

const explainedSql = `
select c.id from checkouts c
where c.id = any($1::uuid[]) and (
  exists (select 1 from orders where number = c.seq and state in (0, 1))
  or exists (select 1 from queue where seq = c.seq)
  or exists (
    select 1 from follow_ups where checkout_id = c.id and kind in ('void', 'refund')))`;

/** Provider to orders: money that was taken for nothing that the shop knows. */
async function findStray(database: Database, { captured }: PaymentLedger): Promise<string[]> {
  const keys = [...captured.keys()];
  const stray: string[] = [];
  for (let start = 0; start < keys.length; start += pageRows) {
    const page = keys.slice(start, start + pageRows);
    const rows = await database.query<{ id: string }>(explainedSql, [page]);
    const explained = new Set(rows.map(({ id }) => id));
    for (const key of page) {
      if (explained.has(key)) continue;
      stray.push(`${captured.get(key)?.amount} captured for ${key}, which has no order`);
    }
  }
  return stray;
}

interface StandingOrder {
  readonly number: number;
  readonly checkout_id: string;
  readonly total: number;
}

const standingSql = `
select number, checkout_id, total from orders
where number > $1 and number <= $2 and state in (0, 1) and payment_id = 'test'
order by number limit $3`;

/** Orders to provider: orders that stand and were not paid, or not at their total. */
async function findUnpaid(database: Database, { captured }: PaymentLedger, newest: number) {
  const unpaid: string[] = [];
  let orders = 0;
  let due = 0;
  for (let after = 0, isOver = false; !isOver; ) {
    const page = await database.query<StandingOrder>(standingSql, [after, newest, pageRows]);
    for (const { number, checkout_id, total } of page) {
      const paid = captured.get(checkout_id)?.amount;
      if (paid === undefined) unpaid.push(`order ${number} is not paid: ${total} due`);
      else if (paid !== total) unpaid.push(`order ${number}: ${paid} captured, ${total} due`);
      due += total;
    }
    orders += page.length;
    after = page.at(-1)?.number ?? newest;
    isOver = page.length < pageRows;
  }
  return { orders, due, unpaid };
}
