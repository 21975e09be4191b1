/** What the databases and the payment provider hold, read row by row into the checker's form. */
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { OrderState } from '../../src/shop/order.ts';
import type {
  AcceptedCheckout,
  ClientOperation,
  LoggedOrder,
  LoggedRejection,
  PaymentAccount,
  PendingFollowUp,
  ReservedLine,
  ShopRecords,
} from '../history/history.ts';
import { type PurchaseRecord, shopperEmail } from './purchase-record.ts';
import type { Superuser } from './superuser.ts';

const orderStates: readonly OrderState[] = ['placed', 'fulfilled', 'cancelled', 'refunded'];

const acceptedSql = `
select id, key, seq, request->'lines' as lines,
  (request #>> '{expectedTotal,amount}')::bigint as "expectedTotal",
  request #>> '{cart,version}' as cart from checkouts`;
const ordersSql = `
select number, checkout_id as "checkoutId", lines, total, state,
  units_released as "unitsReleased" from orders`;
const rejectionsSql = `
select seq, checkout_id as "checkoutId", rejection->>'reason' as reason from rejections`;
const queuedSql = 'select checkout_id as id from queue';
const followUpsSql = 'select checkout_id as "checkoutId", kind from follow_ups';

/** State 1 took units, 2 gave them back; the others never took any. */
const reservationsSql = `
select r.checkout_id as "checkoutId", v.sku, r.quantity, r.unit_price as "unitPrice",
  case r.state when 1 then 'taken' else 'released' end as state, r.uncounted is null as counted
from reservations r join variants v on v.id = r.variant_id
where r.state in (1, 2)`;
const stockSql = 'select sku, available from variants';
const movementsSql = `
select v.sku, m.quantity from stock_movements m join variants v on v.id = m.variant_id`;

type OrderRow = Omit<LoggedOrder, 'state'> & { readonly state: number };

/** Reads the shop at rest. `payments` is the test provider's ledger, a line an event. */
export async function readShopRecords(
  orders: Superuser,
  catalog: Superuser,
  payments: string,
): Promise<ShopRecords> {
  const orderRows = await orders.query<OrderRow>(ordersSql);
  return {
    accepted: await orders.query<AcceptedCheckout>(acceptedSql),
    queued: (await orders.query<{ id: string }>(queuedSql)).map(({ id }) => id),
    orders: orderRows.map((row) => ({ ...row, state: orderStates[row.state] ?? 'placed' })),
    rejections: await orders.query<LoggedRejection>(rejectionsSql),
    followUps: await orders.query<PendingFollowUp>(followUpsSql),
    stock: await catalog.query(stockSql),
    movements: await catalog.query(movementsSql),
    reservations: await catalog.query<ReservedLine>(reservationsSql),
    payments: readLedger(payments),
  };
}

/**
 * The provider's accounts from its ledger. It charges a key once, so a repeated line is the same
 * charge; a charge that comes behind its own void is void from the beginning.
 */
export function readLedger(text: string): PaymentAccount[] {
  const accounts = new Map<string, PaymentAccount>();
  for (const line of text.split('\n')) {
    const [event, key, amount] = line.split(' ');
    if (event === undefined || key === undefined) continue;
    const { captured, returned } = accounts.get(key) ?? { captured: 0, returned: 0 };
    const isUndone = accounts.has(key) && captured === returned;
    if (event === 'capture' && !isUndone) {
      accounts.set(key, { key, captured: Number(amount), returned });
    } else if (event === 'void' || event === 'refund') {
      accounts.set(key, { key, captured, returned: captured });
    }
  }
  return [...accounts.values()];
}

export function readLedgerFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''; // nothing was ever paid
    throw error;
  }
}

/** The shoppers' attempts as operations; their keys as the shop stores them. */
export function operationsOf(purchases: readonly PurchaseRecord[]): ClientOperation[] {
  return purchases.flatMap(({ key, lines, attempts }) => {
    const stored = storedKey(key);
    return attempts.map(({ sentAt, answeredAt, answer }) => {
      return { key: stored, lines, sentAt, answeredAt, answer };
    });
  });
}

/** Written out here once more, on purpose: the drill must not share the shop's own mistakes. */
function storedKey(key: string): string {
  const hex = hash('sha256', `${shopperEmail}\0${key}`, 'hex');
  const parts = [
    [0, 8],
    [8, 12],
    [12, 16],
    [16, 20],
    [20, 32],
  ] as const;
  return parts.map(([from, to]) => hex.slice(from, to)).join('-');
}
