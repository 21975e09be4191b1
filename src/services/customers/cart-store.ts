/**
 * Carts in PostgreSQL: one row a cart, one statement for all calls of a moment.
 *
 * Writes here do not wait for the replication quorum (`synchronous_commit = off`, set for the one
 * statement that runs): after a crash of the database the last fraction of a second of cart edits
 * may be lost, and a shopper puts a line back. Waiting would cost every edit a round trip to
 * another disk for something that is not a promise: the promise is the checkout, which is
 * committed to the quorum. An unlogged table would be cheaper still, but is empty after every
 * failover, which is a lost cart for everyone.
 */
import { type Database, isRetryable, type Sql } from '../../kit/database/postgres.ts';
import { type CartLine, cartLinesMax, mergeCarts, type Snapshot } from '../../shop/cart.ts';
import type { CartVersion } from '../../shop/checkout.ts';

interface StoredLine extends Snapshot {
  readonly quantity: number;
  readonly addedAt: number;
}

interface CartRow {
  readonly id: string;
  readonly customer_id: string | null;
  readonly lines: Readonly<Record<string, StoredLine>>;
}

export interface StoredCart {
  /** Key of the row, a UUID. */
  readonly key: string;
  readonly customerId: string | null;
  readonly lines: readonly CartLine[];
}

function cartOf({ id, customer_id, lines }: CartRow): StoredCart {
  return { key: id, customerId: customer_id, lines: Object.entries(lines).map(lineOf) };
}

function lineOf([sku, { quantity, addedAt, ...seen }]: [string, StoredLine]): CartLine {
  return { sku, quantity, addedAt, seen };
}

function storedLines(lines: readonly CartLine[]): Record<string, StoredLine> {
  return Object.fromEntries(
    lines.map(({ sku, quantity, addedAt, seen }) => [sku, { ...seen, quantity, addedAt }]),
  );
}

/**
 * For the sessions that use carts. A plan that was made for an empty table reads the table whole,
 * and is kept when the table has grown: every fourth journey then read all carts. (The queue's
 * sessions have the same setting for the same reason.)
 */
export const cartSettings = { enable_seqscan: 'off' } as const;

const withoutWaiting = "set_config('synchronous_commit', 'off', true)";

const findSql = 'select id, customer_id, lines from carts where id = any($1::uuid[])';

/** The carts with these keys, in their order; null where there is no row. */
export async function findCarts(
  sql: Sql,
  keys: readonly string[],
): Promise<readonly (StoredCart | null)[]> {
  const rows = await sql.query<CartRow>(findSql, [keys]);
  const carts = new Map(rows.map((row) => [row.id, cartOf(row)]));
  return keys.map((key) => carts.get(key) ?? null);
}

const findLatestSql = `
select id, customer_id, lines from carts
where customer_id = $1 order by updated_at desc, id desc limit 1`;

export async function findLatestCart(sql: Sql, customerId: string): Promise<StoredCart | null> {
  const [row] = await sql.query<CartRow>(findLatestSql, [customerId]);
  return row === undefined ? null : cartOf(row);
}

/** Carts of one customer: the ones that were edited last stay. */
const ownedCartsMax = 20;

const createSql = `
with surplus as (
  delete from carts where id in (
    select id from carts where customer_id = $2
    order by updated_at desc offset ${ownedCartsMax - 1}))
insert into carts (id, customer_id)
select $1, id from customers where id = $2 and erased_at is null
returning ${withoutWaiting}`;

/** A customer's cart must be known to be theirs from the start; a guest's needs no row yet. */
export async function createOwnedCart(sql: Sql, key: string, customerId: string): Promise<void> {
  await sql.query(createSql, [key, customerId]);
}

// Of the three objects joined with || the later wins field by field: a line keeps its place.
const putSql = `
insert into carts as cart (id, lines)
values ($1, jsonb_build_object($2::text, jsonb_build_object('addedAt', $3::bigint) || $4::jsonb))
on conflict (id) do update set
  updated_at = now(),
  lines = cart.lines || jsonb_build_object($2::text,
    jsonb_build_object('addedAt', $3::bigint) || coalesce(cart.lines -> $2, '{}') || $4::jsonb)
where (cart.customer_id is null or cart.customer_id = $5::uuid)
  and (cart.lines ? $2
    or (select count(*) from jsonb_object_keys(cart.lines)) < ${cartLinesMax})
returning id, customer_id, lines, ${withoutWaiting}`;

export interface LineEdit {
  readonly key: string;
  readonly sku: string;
  readonly quantity: number;
  readonly seen: Snapshot;
  readonly now: number;
  /** Who edits; null for a guest. */
  readonly customerId: string | null;
}

/** Null where the cart is another customer's, or full: nothing was changed. */
export async function putLine(sql: Sql, edit: LineEdit): Promise<StoredCart | null> {
  const { key, sku, quantity, seen, now, customerId } = edit;
  const fields = JSON.stringify({ ...seen, quantity });
  const [row] = await sql.query<CartRow>(putSql, [key, sku, now, fields, customerId]);
  return row === undefined ? null : cartOf(row);
}

// Carts that exist are found by their keys, not by a join, which may be planned to read them all.
const putManySql = `
with given as (
  select * from json_to_recordset($1::json) as t(
    key uuid, sku text, now bigint, fields jsonb, customer uuid)
), changed as (
  update carts as cart set
    updated_at = now(),
    lines = cart.lines || jsonb_build_object(given.sku,
      jsonb_build_object('addedAt', given.now) || coalesce(cart.lines -> given.sku, '{}')
        || given.fields)
  from given
  where cart.id = any(array(select key from given)) and cart.id = given.key
    and (cart.customer_id is null or cart.customer_id = given.customer)
    and (cart.lines ? given.sku
      or (select count(*) from jsonb_object_keys(cart.lines)) < ${cartLinesMax})
  returning cart.id, cart.customer_id, cart.lines
), added as (
  insert into carts (id, lines)
  select key, jsonb_build_object(sku, jsonb_build_object('addedAt', now) || fields) from given
  where key <> all(array(select id from carts where id = any(array(select key from given))))
  on conflict (id) do nothing
  returning id, customer_id, lines
)
select id, customer_id, lines, ${withoutWaiting}
from (select * from changed union all select * from added) as done`;

/**
 * As `putLine` for each, most of them in one statement: first edits of different carts. What that
 * one leaves undone (a second edit of a cart, a cart that came to be meanwhile, one that is full or
 * another's) is done, or refused, by a statement of its own. A failure fails its own edit only.
 */
export async function putLines(
  sql: Sql,
  edits: readonly LineEdit[],
): Promise<readonly (StoredCart | null | Error)[]> {
  const firsts = new Map<string, LineEdit>();
  for (const edit of edits) if (!firsts.has(edit.key)) firsts.set(edit.key, edit);
  const done = await putFirsts(sql, [...firsts.values()]);
  const last = new Map<string, Promise<StoredCart | null | Error>>();
  return Promise.all(
    edits.map((edit) => {
      const cart = firsts.get(edit.key) === edit ? done.get(edit.key) : undefined;
      if (cart !== undefined) return cart;
      const before = last.get(edit.key) ?? Promise.resolve(); // edits of one cart: in their order
      const own = before.then(() => putLine(sql, edit)).catch((error: unknown) => error as Error);
      last.set(edit.key, own);
      return own;
    }),
  );
}

/** Two statements that change the same carts in another order: the loser may go again. */
const deadlock = '40P01';

async function putFirsts(
  sql: Sql,
  edits: readonly LineEdit[],
): Promise<ReadonlyMap<string, StoredCart>> {
  if (edits.length < 2) return new Map();
  const given = edits.map(({ key, sku, quantity, seen, now, customerId: customer }) => {
    return { key, sku, now, fields: { ...seen, quantity }, customer };
  });
  try {
    const rows = await sql.query<CartRow>(putManySql, [JSON.stringify(given)]);
    return new Map(rows.map((row) => [row.id, cartOf(row)]));
  } catch (error) {
    if (isRetryable(error) && (error as { code?: unknown }).code !== deadlock) throw error;
    return new Map(); // one of them cannot be stored, or was in the way: each finds out for itself
  }
}

const requantifySql = `
update carts set
  updated_at = now(),
  lines = jsonb_set(lines, array[$2::text, 'quantity'], to_jsonb($3::integer))
where id = $1 and lines ? $2 and (customer_id is null or customer_id = $4::uuid)
returning id, customer_id, lines, ${withoutWaiting}`;

/** For a line that is there, while its offer cannot be asked for. Null where it is not. */
export async function changeQuantity(
  sql: Sql,
  { key, sku, quantity, customerId }: Omit<LineEdit, 'seen' | 'now'>,
): Promise<StoredCart | null> {
  const [row] = await sql.query<CartRow>(requantifySql, [key, sku, quantity, customerId]);
  return row === undefined ? null : cartOf(row);
}

const removeSql = `
update carts set updated_at = now(), lines = lines - $2::text
where id = $1 and (customer_id is null or customer_id = $3::uuid)
returning id, customer_id, lines, ${withoutWaiting}`;

/** Null where there is no such row, or it is another customer's. */
export async function removeLine(
  sql: Sql,
  { key, sku, customerId }: Pick<LineEdit, 'key' | 'sku' | 'customerId'>,
): Promise<StoredCart | null> {
  const [row] = await sql.query<CartRow>(removeSql, [key, sku, customerId]);
  return row === undefined ? null : cartOf(row);
}

/**
 * Names one state of one cart. Each edit makes a new version, also one that puts back what was
 * there before: the shopper who does so after a purchase wants to buy it again.
 */
const versionColumn = `
md5(id::text || extract(epoch from updated_at)::text || lines::text)::uuid`;

const findToBuySql = `
select id, customer_id, lines, ${versionColumn} as version
from carts where id = any($1::uuid[])`;

/** As `findCarts`, by key and with the version of each. */
export async function findCartsToBuy(
  sql: Sql,
  keys: readonly string[],
): Promise<ReadonlyMap<string, StoredCart & CartVersion>> {
  const rows = await sql.query<CartRow & { version: string }>(findToBuySql, [keys]);
  return new Map(rows.map((row) => [row.id, { ...cartOf(row), version: row.version }]));
}

const emptySql = `
update carts set updated_at = now(), lines = '{}'
where id = any($1::uuid[]) and ${versionColumn} = any($2::uuid[]) returning ${withoutWaiting}`;

/** After they were bought. A cart that was changed since keeps its lines. */
export async function emptyCarts(sql: Sql, carts: readonly CartVersion[]): Promise<void> {
  const versions = carts.map(({ version }) => version);
  await sql.query(emptySql, [carts.map(({ key }) => key), versions]);
}

export async function deleteCarts(sql: Sql, customerId: string): Promise<void> {
  await sql.query('delete from carts where customer_id = $1', [customerId]);
}

const takeGuestSql = `
delete from carts where id = $1 and customer_id is null returning id, customer_id, lines`;
const lockLatestSql = `${findLatestSql} for update`;
const saveSql = `
insert into carts (id, customer_id, lines) values ($1, $2, $3)
on conflict (id) do update set lines = excluded.lines, updated_at = now()
returning id, customer_id, lines`;

export interface Claim {
  readonly guestKey: string;
  /** Key of the cart to make where neither has one. */
  readonly freshKey: string;
  readonly customerId: string;
}

const lockOwnerSql = `
select 1 from customers where id = $1 and erased_at is null for no key update`;

/**
 * The guest's cart joins the customer's and is gone; without one, it becomes the customer's. A
 * cart that is not a guest's adds nothing. A repeated claim finds nothing left to add. Null where
 * the customer was erased.
 */
export async function claimCart(
  database: Database,
  { guestKey, freshKey, customerId }: Claim,
): Promise<StoredCart | null> {
  return database.transaction(
    async (sql) => {
      // Two claims of one customer at once take turns, or each would see no cart yet.
      const owner = await sql.query(lockOwnerSql, [customerId]);
      if (owner.length === 0) return null;
      const [guest] = await sql.query<CartRow>(takeGuestSql, [guestKey]);
      const [own] = await sql.query<CartRow>(lockLatestSql, [customerId]);
      const added = guest === undefined ? [] : cartOf(guest).lines;
      const merged = own === undefined ? added : mergeCarts(cartOf(own).lines, added);
      const lines = JSON.stringify(storedLines(merged));
      const key = own?.id ?? guest?.id ?? freshKey;
      const [saved] = await sql.query<CartRow>(saveSql, [key, customerId, lines]);
      if (saved === undefined) throw new Error('the claimed cart was not saved');
      return cartOf(saved);
    },
    { durable: false },
  );
}

/** The statements of the hot path, for the test of their plans. */
export const hotStatements: Readonly<Record<string, string>> = {
  find: findSql,
  put: putSql,
  'put many': putManySql,
  remove: removeSql,
  'find to buy': findToBuySql,
  empty: emptySql,
};
