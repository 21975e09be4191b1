/**
 * The invariants of the shop, computed from the rows themselves while the shop goes on selling.
 *
 * Two databases and a payment provider cannot be read in one snapshot. So they are read in the
 * order in which purchases write them. What an earlier stage shows must be explained by a later
 * stage, which is read afterwards. Example: units are taken for a checkout; then the checkout is
 * still queued, it is an order, or a release is under way. What looks wrong is read once more.
 */

import { existsSync } from 'node:fs';
import {
  type IntegrityReport,
  type Invariant,
  integrityReport,
  invariant,
} from '../../api/integrity.ts';
import {
  stockIntegrity,
  type TakenReservation,
  takenReservations,
} from '../../api/internal/catalog-routes.ts';
import type { Database } from '../../kit/database/postgres.ts';
import type { InternalClient } from '../../kit/http/internal-client.ts';
import type { Propagated } from '../../kit/http/propagation.ts';
import type { SoldLine } from '../../shop/checkout.ts';
import { priceOf } from '../../shop/pricing.ts';
import { orderStates } from './order-store.ts';
import { reconcilePayments } from './payment-reconciliation.ts';

const pageRows = 5_000;
const stockDeadlineMs = 120_000;

export interface IntegrityParts {
  readonly database: Database;
  readonly client: InternalClient;
  /** Of the request that asks for the audit. */
  readonly propagated: Propagated;
  /** The test provider's ledger; where there is none, its invariant is left out. */
  readonly ledgerFile: string;
}

export async function checkIntegrity(parts: IntegrityParts): Promise<IntegrityReport> {
  const { client, database, ledgerFile, propagated } = parts;
  const stock = await client.call(stockIntegrity, {
    deadlineMs: stockDeadlineMs,
    propagated,
  });
  const invariants = [
    ...stock.invariants,
    await checkLog(database),
    await checkCarts(database),
    ...(await checkReservations(parts)),
  ];
  if (existsSync(ledgerFile)) invariants.push(await reconcilePayments(database, ledgerFile));
  return integrityReport(invariants);
}

const logSql = `
select (select count(*) from checkouts) as accepted, (select count(*) from queue) as queued,
  (select count(*) from orders) as placed, (select count(*) from rejections) as rejected,
  (select count(*) from orders o join rejections r on r.seq = o.number)
    + (select count(*) from queue q join orders o on o.number = q.seq)
    + (select count(*) from queue q join rejections r on r.seq = q.seq) as twice`;

async function checkLog(database: Database): Promise<Invariant> {
  const [figures] = await database.query<Record<string, number>>(logSql);
  const { accepted = 0, queued = 0, placed = 0, rejected = 0, twice = 0 } = figures ?? {};
  const violations: string[] = [];
  if (accepted !== queued + placed + rejected) {
    violations.push(`${accepted} accepted, but ${queued} + ${placed} + ${rejected} accounted for`);
  }
  if (twice > 0) violations.push(`${twice} checkouts have more than one fate`);
  const name = 'every accepted checkout is queued, placed or rejected, once';
  return invariant(name, { accepted, queued, placed, rejected }, violations);
}

/** An order of a cart holds its version, of which there is one row: so no two orders share one. */
const cartsSql = `
select count(*) as orders, count(*) filter (where p.number is distinct from o.number) as twice
from orders o
join checkouts c on c.id = o.checkout_id
left join cart_purchases p on p.version = (c.request #>> '{cart,version}')::uuid
where c.request #>> '{cart,version}' is not null`;

async function checkCarts(database: Database): Promise<Invariant> {
  const [{ orders = 0, twice = 0 } = {}] = await database.query<Record<string, number>>(cartsSql);
  const violations = twice > 0 ? [`${twice} orders bought a cart that another order has`] : [];
  return invariant('a version of a cart is bought once', { orders, twice }, violations);
}

interface Fate {
  readonly id: string;
  readonly number: number | null;
  readonly released: boolean;
  readonly lines: SoldLine[] | null;
  readonly total: number | null;
  readonly queued: boolean;
  readonly releasing: boolean;
}

const cancelled = orderStates.indexOf('cancelled');

const fatesSql = `
select c.id, o.number, o.lines, o.total, q.seq is not null as queued,
  coalesce(o.units_released or o.state = ${cancelled}, false) as released,
  exists (select 1 from follow_ups f where f.checkout_id = c.id and f.kind = 'release') as releasing
from checkouts c
left join orders o on o.number = c.seq
left join queue q on q.seq = c.seq
where c.id = any($1::uuid[])`;

const ordersSql = `
select coalesce(max(number), 0) as newest,
  count(*) filter (where not units_released and state <> ${cancelled}) as live
from orders where number <= $1`;

/** Both ways: every reservation has a reason, every order has exactly its reservations. */
async function checkReservations(parts: IntegrityParts): Promise<Invariant[]> {
  const { database } = parts;
  const [before] = await database.query<{ newest: number }>(ordersSql, [Number.MAX_SAFE_INTEGER]);
  const newest = before?.newest ?? 0;
  const unexplained: string[] = [];
  const different: string[] = [];
  let reservations = 0;
  let matched = 0;
  for await (const group of reservationsByCheckout(parts)) {
    const fates = await database.query<Fate>(fatesSql, [[...group.keys()]]);
    const byId = new Map(fates.map((fate) => [fate.id, fate]));
    for (const [id, taken] of group) {
      reservations += taken.length;
      const fate = byId.get(id);
      if (fate?.number === null || fate === undefined || fate.released) {
        const explained = fate !== undefined && (fate.queued || fate.releasing);
        if (!explained && (await isStillTaken(parts, id))) unexplained.push(id);
      } else {
        if (fate.number <= newest) matched += 1;
        if (!isPricedAs(taken, fate)) different.push(`order ${fate.number}`);
      }
    }
  }
  const [after] = await database.query<{ live: number }>(ordersSql, [newest]);
  const orders = after?.live ?? 0;
  const missing = orders - matched;
  if (missing > 0) different.push(`${missing} orders have no reservation`);
  return [
    invariant(
      'every reservation belongs to an order, a queued checkout or a release under way',
      { reservations },
      unexplained,
    ),
    invariant('every order has exactly one reservation a line', { orders, matched }, different),
  ];
}

type Asking = Pick<IntegrityParts, 'client' | 'propagated'>;

async function* reservationsByCheckout({ client, propagated }: Asking) {
  let after = '';
  let rest: TakenReservation[] = [];
  for (;;) {
    const page = await client.call(takenReservations, {
      query: { limit: pageRows, after },
      propagated,
    });
    const rows = [...rest, ...page.items];
    const last = rows.at(-1)?.checkoutId;
    // a checkout may go on on the next page
    rest = page.next === null ? [] : rows.filter((row) => row.checkoutId === last);
    const whole = page.next === null ? rows : rows.filter((row) => row.checkoutId !== last);
    if (whole.length > 0) yield Map.groupBy(whole, (row) => row.checkoutId);
    if (page.next === null) return;
    after = page.next;
  }
}

/** What was released between the two looks is no violation. */
async function isStillTaken({ client, propagated }: Asking, id: string): Promise<boolean> {
  const query = { limit: 1, after: `${id}.-1` };
  const { items } = await client.call(takenReservations, { query, propagated });
  return items[0]?.checkoutId === id;
}

/** The order has the lines that were reserved, and its total is their price. */
function isPricedAs(taken: readonly TakenReservation[], { lines, total }: Fate): boolean {
  if (lines === null || taken.length !== lines.length || priceOf(lines).total !== total) {
    return false;
  }
  const expected = new Map(lines.map((line) => [line.sku, line]));
  return taken.every(({ sku, quantity, unitPrice }) => {
    const line = expected.get(sku);
    return line?.quantity === quantity && line.unitPrice === unitPrice;
  });
}
