/**
 * Which checkout buys a cart. A version of a cart is bought once: the checkout that holds it may
 * pay, any other waits until the holder is decided. If the holder is rejected, the next may take
 * it.
 *
 * Usually the cart is free, and one statement is enough. Otherwise its row is locked; the
 * statements after the lock see all that was committed before, and so what became of the holder.
 */
import type { Database, Sql } from '../kit/database/postgres.ts';
import type { CartHold, CartRequest } from './purchase-queue.ts';

const takeSql = `
insert into cart_purchases (version, number)
select * from unnest($1::uuid[], $2::bigint[]) as t(version, number) order by version, number
on conflict (version) do nothing
returning number`;

const lockSql = `
select number from cart_purchases where version = any($1::uuid[]) order by version for update`;

const takeOverSql = `
update cart_purchases set number = $2
where version = $1
  and (select seq from queue where seq = cart_purchases.number limit 1) is null
  and (select number from orders where number = cart_purchases.number limit 1) is null`;

const holdersSql = `
select t.seq, p.number as holder,
  (select number from orders where number = p.number limit 1) is not null as "isPlaced"
from unnest($1::uuid[], $2::bigint[]) as t(version, seq)
cross join lateral (select number from cart_purchases where version = t.version limit 1) p`;

export const cartStatements = { takeSql, lockSql, takeOverSql, holdersSql } as const;

export async function holdCarts(
  database: Database,
  wanted: readonly CartRequest[],
): Promise<CartHold[]> {
  const versions = wanted.map(({ version }) => version);
  const seqs = wanted.map(({ seq }) => seq);
  const taken = await database.query(takeSql, [versions, seqs]);
  if (taken.length === wanted.length) {
    return seqs.map((seq) => ({ seq, holder: seq, isPlaced: false }));
  }
  return database.transaction(async (sql: Sql) => {
    await sql.query(lockSql, [versions]);
    for (const { version, seq } of wanted) await sql.query(takeOverSql, [version, seq]);
    return sql.query<CartHold>(holdersSql, [versions, seqs]);
  });
}
