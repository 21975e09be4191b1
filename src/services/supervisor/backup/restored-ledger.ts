/**
 * The test provider keeps its ledger in the home, and not in the database that was restored: the
 * one of a restored shop begins with what its standing orders paid. Without that, the integrity
 * report would call every order of before unpaid.
 */
import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { type SessionOptions, withSession } from '../postgres/session.ts';

const pageRows = 5_000;
const deadlineMs = 60_000;

interface PaidOrder {
  readonly number: string;
  readonly checkout_id: string;
  readonly total: string;
  readonly currency: string;
}

const paidSql = `
select number, checkout_id, total, currency from orders
where number > $1 and state in (0, 1) and payment_id = 'test'
order by number limit ${pageRows}`;

/** `access`: to the restored database, as a superuser. */
export async function writeRestoredLedger(home: string, access: SessionOptions): Promise<void> {
  await withSession({ ...access, database: 'orders' }, async (session) => {
    const known = `select to_regclass('public.orders') is not null as known`;
    const [found] = await session.query<{ known: boolean }>(known, [], deadlineMs);
    if (found?.known !== true) return; // the backup is of before the first start was through
    const folder = path.join(home, 'payments');
    await mkdir(folder, { recursive: true });
    const file = await open(path.join(folder, 'test-ledger.txt'), 'w');
    try {
      for (let after = '0', isOver = false; !isOver; ) {
        const page = await session.query<PaidOrder>(paidSql, [after], deadlineMs);
        const lines = page.map(
          ({ checkout_id, total, currency }) => `capture ${checkout_id} ${total} ${currency}\n`,
        );
        await file.appendFile(lines.join(''));
        after = page.at(-1)?.number ?? after;
        isOver = page.length < pageRows;
      }
      await file.sync();
    } finally {
      await file.close();
    }
  });
}
