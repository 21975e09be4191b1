/** The owner adds units to the stock: counted once for each idempotency key. */

import type { Database, Sql } from '../../kit/database/postgres.ts';
import { stockUnitsMax } from '../../shop/product.ts';
import { auditLog } from './audit.ts';
import { type ProductChange, takeVersion } from './invalidation-outbox.ts';
import { runUntilDone } from './retry-transaction.ts';
import { type ChangedVariant, lockedUnits, type ProductState, writeStock } from './stock.ts';

export interface RestockRequest {
  readonly sku: string;
  /** Units to add, at least 1. */
  readonly quantity: number;
  readonly reason: string;
  readonly key: string | null;
  readonly actor: string;
}

export type RestockResult =
  | {
      readonly kind: 'restocked';
      readonly available: number;
      readonly changes: readonly ProductChange[];
    }
  | { readonly kind: 'unknown-sku' | 'not-counted' | 'key-used' | 'too-many' };

interface Movement {
  readonly sku: string;
  readonly quantity: number;
  readonly reason: string;
  readonly available_after: number;
}

const movementSql = `
select v.sku, m.quantity, m.reason, m.available_after from stock_movements m
join variants v on v.id = m.variant_id where m.idempotency_key = $1`;

const lockSql = `
select product_id, units from product_states where product_id in
  (select product_id from variants where sku = $1 and not retired) for update`;

const variantSql = `
select id, product_id, available, counted from variants where sku = $1 and not retired`;

const insertSql = `
insert into stock_movements
  (variant_id, kind, quantity, reason, available_after, actor, idempotency_key)
values ($1, 'restocked', $2, $3, $4, $5, $6)`;

/** With a key it may be asked any number of times; without one, an unknown outcome is thrown. */
export function restock(database: Database, request: RestockRequest): Promise<RestockResult> {
  const work = (sql: Sql) => addUnits(sql, request);
  return request.key === null ? database.transaction(work) : runUntilDone(database, work);
}

async function addUnits(sql: Sql, request: RestockRequest): Promise<RestockResult> {
  const { sku, quantity, reason, key, actor } = request;
  const [states, version, variants, earlier] = await Promise.all([
    sql.query<ProductState>(lockSql, [sku]),
    takeVersion(sql),
    sql.query<Omit<ChangedVariant, 'sku' | 'change' | 'live'>>(variantSql, [sku]),
    sql.query<Movement>(movementSql, [key]),
  ]);
  const [first] = earlier;
  if (first !== undefined) {
    const same = first.sku === sku && first.quantity === quantity && first.reason === reason;
    if (!same) return { kind: 'key-used' };
    return { kind: 'restocked', available: first.available_after, changes: [] };
  }
  const [variant] = variants;
  const locked = lockedUnits(states);
  const units = variant === undefined ? undefined : locked.get(variant.product_id);
  if (variant === undefined || units === undefined) return { kind: 'unknown-sku' };
  if (!variant.counted) return { kind: 'not-counted' };
  const available = variant.available + quantity;
  if (units + quantity > stockUnitsMax) return { kind: 'too-many' };
  const changed = { ...variant, sku, available, change: quantity, live: true };
  const [, , changes] = await Promise.all([
    sql.query(insertSql, [variant.id, quantity, reason, available, actor, key]),
    auditLog.add(sql, {
      actor,
      action: 'stock.restocked',
      subject: sku,
      detail: { quantity, reason, available },
    }),
    writeStock(sql, [changed], locked, version),
  ]);
  return { kind: 'restocked', available, changes };
}
