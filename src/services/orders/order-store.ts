/** Reads and later changes of the order log. Intake, claims and decisions are src/queue's. */
import { AuditLog } from '../../kit/database/audit-log.ts';
import type { Database, Sql } from '../../kit/database/postgres.ts';
import type { FollowUpKind } from '../../queue/purchase-queue.ts';
import type { CheckoutRequest, SoldLine } from '../../shop/checkout.ts';
import type { OrderChange, OrderState } from '../../shop/order.ts';

/** As stored in the smallint column: a state's number is its index. */
export const orderStates: readonly OrderState[] = ['placed', 'fulfilled', 'cancelled', 'refunded'];

export interface StoredOrder {
  readonly number: number;
  readonly checkout_id: string;
  readonly placed_at: number;
  readonly total: number;
  readonly currency: string;
  readonly state: number;
  readonly customer: string | null;
  readonly payment_id: string;
  readonly lines: SoldLine[];
  /** Null once the buyer's personal data was erased. */
  readonly request: CheckoutRequest | null;
}

const orderColumns = `o.number, o.checkout_id, o.placed_at, o.total, o.currency, o.state,
  o.customer, o.payment_id, o.lines, c.request`;

const orderSql = `
select ${orderColumns} from orders o join checkouts c on c.id = o.checkout_id
where o.number = $1`;

const newestSql = `
select ${orderColumns} from orders o join checkouts c on c.id = o.checkout_id
where o.number < $1 order by o.number desc limit $2`;

const ofCustomerSql = `
select ${orderColumns} from orders o join checkouts c on c.id = o.checkout_id
where o.customer = $3 and o.number < $1 order by o.number desc limit $2`;

export async function findOrder(sql: Sql, number: number): Promise<StoredOrder | null> {
  const [order] = await sql.query<StoredOrder>(orderSql, [number]);
  return order ?? null;
}

/** Newest first, below `before`. */
export function listOrders(
  sql: Sql,
  before: number,
  limit: number,
  customer?: string,
): Promise<StoredOrder[]> {
  if (customer === undefined) return sql.query<StoredOrder>(newestSql, [before, limit]);
  return sql.query<StoredOrder>(ofCustomerSql, [before, limit, customer]);
}

export async function lockOrder(sql: Sql, number: number): Promise<StoredOrder | null> {
  const [order] = await sql.query<StoredOrder>(`${orderSql} for update of o`, [number]);
  return order ?? null;
}

const changeSql = `
update orders set state = $2, units_released = units_released or $3 where number = $1`;

export async function setOrderState(
  sql: Sql,
  number: number,
  { to, releasesStock }: OrderChange,
): Promise<void> {
  await sql.query(changeSql, [number, orderStates.indexOf(to), releasesStock]);
}

/** The orders service's part of the audit log: what staff did to orders. */
export const auditLog = new AuditLog();

export async function addFollowUp(sql: Sql, checkoutId: string, kind: FollowUpKind): Promise<void> {
  await sql.query('insert into follow_ups (checkout_id, kind) values ($1, $2)', [checkoutId, kind]);
}

const eraseSql = `
update checkouts c set customer = null, request = json_build_object(
  'lines', request->'lines', 'email', null, 'shippingAddress', null,
  'payment', json_build_object('method', request #> '{payment,method}', 'token', ''))
where customer = $1 and not exists (select 1 from queue q where q.seq = c.seq)`;

/**
 * Blanks the personal data of a customer's decided checkouts; the orders themselves stay, and with
 * them how they were paid, since they may yet be refunded. True when nothing is left to blank:
 * a checkout that is still to be decided needs its data until then, so come again.
 */
export async function eraseCustomer(database: Database, customer: string): Promise<boolean> {
  return database.transaction(async (sql) => {
    await sql.query(eraseSql, [customer]);
    await sql.query('update orders set customer = null where customer = $1', [customer]);
    const left = await sql.query('select 1 from checkouts where customer = $1 limit 1', [customer]);
    return left.length === 0;
  });
}
