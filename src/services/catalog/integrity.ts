/** Audits the stock: all figures are computed from the rows, none from a counter. */

import { type IntegrityReport, integrityReport, invariant } from '../../api/integrity.ts';
import type { TakenReservation } from '../../api/internal/catalog-routes.ts';
import type { Sql } from '../../kit/database/postgres.ts';

/** As many are looked up; the report shows the first ones. */
const violationsMax = 20;

/** One snapshot for all figures: a sale between two statements would look like a violation. */
const stockSql = `
with moved as (
  select variant_id, sum(quantity) filter (where kind = 'initial') as initial,
    sum(quantity) filter (where kind <> 'initial') as restocked
  from stock_movements group by variant_id
), sold as (
  select variant_id, sum(quantity) as taken, sum(quantity) filter (where state = 2) as released
  from reservations where state in (1, 2) and uncounted is null group by variant_id
), account as (
  select v.id, v.product_id, v.sku, v.available, v.retired, coalesce(m.initial, 0) as initial,
    coalesce(m.restocked, 0) as restocked, coalesce(s.released, 0) as released,
    coalesce(s.taken, 0) as taken
  from variants v left join moved m on m.variant_id = v.id left join sold s on s.variant_id = v.id
)
select
  (select row_to_json(t) from (select count(*) as variants, coalesce(sum(initial), 0) as initial,
    coalesce(sum(restocked), 0) as restocked, coalesce(sum(released), 0) as released,
    coalesce(sum(taken), 0) as taken, coalesce(sum(available), 0) as available
    from account) t) as totals,
  coalesce((select json_agg(a.sku || ': ' || a.initial || ' + ' || a.restocked || ' + '
      || a.released || ' - ' || a.taken || ' is not ' || a.available)
    from (select * from account where initial + restocked + released - taken <> available
      order by id limit ${violationsMax}) a), '[]') as unbalanced,
  coalesce((select json_agg(a.sku || ': ' || a.available) from
    (select * from account where available < 0 order by id limit ${violationsMax}) a), '[]')
    as negative,
  coalesce((select json_agg('product ' || u.product_id || ': ' || u.units || ' is not ' || u.sum)
    from (select s.product_id, s.units, coalesce(sum(a.available) filter (where not a.retired), 0)
        as sum from product_states s left join account a on a.product_id = s.product_id
      group by s.product_id, s.units
      having s.units <> coalesce(sum(a.available) filter (where not a.retired), 0)
      order by s.product_id limit ${violationsMax}) u), '[]') as miscounted,
  coalesce((select json_agg(o.variant_id) from (select distinct variant_id from reservations
      where state in (1, 2) and not exists (select 1 from variants where id = variant_id)
      limit ${violationsMax}) o), '[]') as orphans`;

interface StockAccount {
  readonly totals: Readonly<Record<string, number>>;
  readonly unbalanced: readonly string[];
  readonly negative: readonly string[];
  readonly miscounted: readonly string[];
  readonly orphans: readonly number[];
}

export async function checkIntegrity(sql: Sql): Promise<IntegrityReport> {
  const [account] = await sql.query<StockAccount>(stockSql);
  if (account === undefined) throw new Error('the stock account is empty');
  const { totals } = account;
  return integrityReport([
    invariant('initial + restocked + released - taken = available', totals, account.unbalanced),
    invariant('available is never negative', totals, account.negative),
    invariant('a product counts the units of its variants', totals, account.miscounted),
    invariant('every reservation is of a variant', totals, account.orphans.map(String)),
  ]);
}

const reservationsSql = `
select r.checkout_id as "checkoutId", r.line, coalesce(v.sku, '') as sku, r.quantity,
  r.unit_price as "unitPrice"
from reservations r left join variants v on v.id = r.variant_id
where r.state = 1 and (r.checkout_id, r.line) > ($1::uuid, $2::int)
order by r.checkout_id, r.line limit $3`;

/**
 * Reservations that hold stock now, by checkout and line. `after` is a page's `next`, or empty;
 * `ID.-1` begins with checkout ID.
 */
export async function pageReservations(
  sql: Sql,
  after: string,
  limit: number,
): Promise<{ items: readonly TakenReservation[]; next: string | null }> {
  const match = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.(-1|\d{1,4})$/.exec(after);
  const [, checkoutId = '00000000-0000-0000-0000-000000000000', line = '-1'] = match ?? [];
  const items = await sql.query<TakenReservation>(reservationsSql, [checkoutId, line, limit]);
  const last = items.length === limit ? items.at(-1) : undefined;
  return { items, next: last === undefined ? null : `${last.checkoutId}.${last.line}` };
}
