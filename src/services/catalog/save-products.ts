/**
 * Writes products: created, changed or deleted, from a file or from the admin.
 *
 * Whoever changes what products *are* takes one advisory lock, so that handles and SKUs are claimed
 * one transaction at a time; such changes are rare. Sales go on meanwhile: they meet a writer only
 * at the state rows of the products that it changes.
 */

import type { Sql } from '../../kit/database/postgres.ts';
import type { DraftRemark, ProductDraft } from '../../shop/product-draft.ts';
import {
  type ExistingProduct,
  type Holdings,
  planProducts,
  skuCandidates,
} from '../../shop/product-plan.ts';
import { unitsForSale } from '../../shop/reservation-decision.ts';
import type { ExistingVariant } from '../../shop/variant-plan.ts';
import { auditLog } from './audit.ts';
import {
  addInvalidations,
  type ProductChange,
  raiseListing,
  takeVersion,
} from './invalidation-outbox.ts';
import { collectionsColumn } from './product-reads.ts';
import {
  insertProducts,
  learnWords,
  type SavedPlan,
  updateProducts,
  writeCollections,
  writeStates,
  writeVariants,
} from './product-rows.ts';

export interface SaveResult {
  readonly created: number;
  readonly updated: number;
  readonly errors: readonly DraftRemark[];
  /** How what was written is understood, where that is not what it says. */
  readonly notes: readonly DraftRemark[];
  readonly changes: readonly ProductChange[];
}

export interface SaveCause {
  readonly actor: string;
  /** For the stock movements, e.g. `import`. */
  readonly reason: string;
  /** For the audit log, e.g. `products.imported`. */
  readonly action: string;
}

const catalogLock = 'select pg_advisory_xact_lock(4711)';

/** Products by handle ($1), and those that hold a SKU of a draft without a handle ($2). */
const meantIds = `array(
  select id from products where handle = any($1) and deleted_at is null
  union select product_id from variants where sku = any($2) and not retired)`;

const lockStatesSql = `
select product_id from product_states where product_id = any(${meantIds})
order by product_id for update`;

const productsSql = `
select p.id, p.handle, p.title, p.description_html as "descriptionHtml", p.vendor, p.type, p.tags,
  p.status, p.published, p.gift_card as "giftCard", p.seo_title as "seoTitle",
  p.seo_description as "seoDescription", p.images,
  array(select each ->> 'name' from jsonb_array_elements(p.options) each) as "optionNames",
  ${collectionsColumn}
from products p where p.id = any(${meantIds})`;

const variantsSql = `
select id, product_id as "productId", sku, option_values as "optionValues", price,
  compare_at as "compareAt", counted, available, image_url as "imageUrl", barcode, grams,
  weight_unit as "weightUnit", cost
from variants where not retired and (product_id = any(${meantIds}) or sku = any($3))
order by position, id`;

/** Saves a chunk of drafts in the caller's transaction. */
export async function saveProducts(
  sql: Sql,
  drafts: readonly ProductDraft[],
  cause: SaveCause,
): Promise<SaveResult> {
  const { holdings, version } = await loadHoldings(sql, drafts);
  const { plans, ...remarks } = planProducts(drafts, holdings);
  if (plans.length === 0) return { created: 0, updated: 0, ...remarks, changes: [] };
  const fresh = plans.filter((plan) => plan.productId === null);
  const known = plans.filter((plan) => plan.productId !== null);
  const [ids] = await Promise.all([insertProducts(sql, fresh), updateProducts(sql, known)]);
  const saved = plans.map((plan): SavedPlan => {
    const productId = plan.productId ?? (ids.get(plan.handle) as number);
    return { plan, productId };
  });
  const changes = saved.map(({ plan, productId }): ProductChange => {
    const gone = plan.skusGivenUp.map((sku) => ({ sku, available: 0 }));
    const shown = plan.variants.map((variant) => {
      const available = plan.fields.published ? unitsForSale(variant) : 0; // no draft is sold
      return { sku: variant.sku, available };
    });
    return { productId, version, stock: [...gone, ...shown] };
  });
  const counts = { created: fresh.length, updated: known.filter(({ isMore }) => !isMore).length };
  const [, , , , , , listing] = await Promise.all([
    writeVariants(sql, saved, cause),
    writeStates(sql, saved, version),
    writeCollections(sql, saved),
    learnWords(sql, plans),
    auditLog.add(sql, {
      actor: cause.actor,
      action: cause.action,
      subject: plans.length === 1 ? (plans[0]?.handle ?? '') : `${plans.length} products`,
      detail: counts,
    }),
    addInvalidations(sql, changes),
    raiseListing(sql),
  ]);
  return { ...counts, ...remarks, changes: [...changes, listing] };
}

async function loadHoldings(
  sql: Sql,
  drafts: readonly ProductDraft[],
): Promise<{ holdings: Holdings; version: number }> {
  const handles = drafts.map((draft) => draft.handle);
  const loose = drafts.filter((draft) => !draft.isByHandle);
  const named = loose.flatMap(({ variants }) => variants.flatMap(({ sku }) => sku ?? []));
  const skus = drafts.flatMap(skuCandidates);
  const [, , version, products, variants] = await Promise.all([
    sql.query(catalogLock),
    sql.query(lockStatesSql, [handles, named]),
    takeVersion(sql),
    sql.query<ExistingProduct>(productsSql, [handles, named]),
    sql.query<ExistingVariant>(variantsSql, [handles, named, skus]),
  ]);
  return { holdings: { products, variants }, version };
}

const deleteSql = `
update products set deleted_at = now() where handle = $1 and deleted_at is null returning id`;

const retireAllSql = `
update variants set retired = true where product_id = $1 and not retired returning sku`;

const deletedStateSql = `
update product_states set version = $2, listed_version = $2, units = 0 where product_id = $1`;

/** Takes a product out of the shop. Null where there is none of that handle. */
export async function deleteProduct(
  sql: Sql,
  handle: string,
  actor: string,
): Promise<readonly ProductChange[] | null> {
  await sql.query(catalogLock);
  await sql.query(lockStatesSql, [[handle], []]);
  const version = await takeVersion(sql);
  const [product] = await sql.query<{ id: number }>(deleteSql, [handle]);
  if (product === undefined) return null;
  const [, retired] = await Promise.all([
    sql.query(deletedStateSql, [product.id, version]),
    sql.query<{ sku: string }>(retireAllSql, [product.id]),
  ]);
  const change: ProductChange = {
    productId: product.id,
    version,
    stock: retired.map(({ sku }) => ({ sku, available: 0 })),
  };
  await addInvalidations(sql, [change]);
  await auditLog.add(sql, { actor, action: 'product.deleted', subject: handle, detail: {} });
  return [change, await raiseListing(sql)];
}
