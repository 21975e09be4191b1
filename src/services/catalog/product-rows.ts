/** The rows of products, written many at a time: one statement a table, whatever the number. */

import { jsonText } from '../../kit/database/json-text.ts';
import type { Sql } from '../../kit/database/postgres.ts';
import { handleFrom } from '../../shop/handle.ts';
import type { ProductPlan } from '../../shop/product-plan.ts';
import { descriptionText } from './csv/sanitize-description.ts';

export interface SavedPlan {
  readonly plan: ProductPlan;
  readonly productId: number;
}

/** Longer descriptions are searched by their beginning: a tsvector has a limit of its own. */
const searchTextLengthMax = 10_000;

/** See migration 0007. */
const searchExpression = 'search_vector(x.title, x.kind, x.words)';
const namesExpression = 'search_names(x.title, x.codes)';

const recordColumns = `as x(id int, handle text, title text, description_html text, vendor text,
  type text, tags text[], images jsonb, options jsonb, status text, published boolean,
  gift_card boolean, seo_title text, seo_description text, price_min int, price_max int,
  compare_at int, kind text, words text, codes text[])`;

const insertProductsSql = `
insert into products (handle, title, description_html, vendor, type, tags, images, options,
  status, published, gift_card, seo_title, seo_description, price_min, price_max, compare_at,
  search, names)
select handle, title, description_html, vendor, type, tags, images, options, status, published,
  gift_card, seo_title, seo_description, price_min, price_max, compare_at, ${searchExpression},
  ${namesExpression}
from jsonb_to_recordset($1::jsonb) ${recordColumns}
returning id, handle`;

const updateProductsSql = `
update products p set title = x.title, description_html = x.description_html, vendor = x.vendor,
  type = x.type, tags = x.tags, images = x.images, options = x.options, status = x.status,
  published = x.published, gift_card = x.gift_card, seo_title = x.seo_title,
  seo_description = x.seo_description,
  price_min = x.price_min, price_max = x.price_max, compare_at = x.compare_at,
  search = ${searchExpression}, names = ${namesExpression}
from jsonb_to_recordset($1::jsonb) ${recordColumns}
where p.id = x.id`;

function productRecord({ fields, ...plan }: ProductPlan) {
  return {
    id: plan.productId,
    handle: plan.handle,
    title: fields.title,
    description_html: fields.descriptionHtml,
    vendor: fields.vendor,
    type: fields.type,
    tags: fields.tags,
    images: fields.images,
    options: plan.options,
    status: fields.status,
    published: fields.published,
    gift_card: fields.giftCard,
    seo_title: fields.seoTitle,
    seo_description: fields.seoDescription,
    price_min: plan.priceMin,
    price_max: plan.priceMax,
    compare_at: plan.compareAt,
    kind: [fields.vendor, fields.type, ...fields.tags].join(' '),
    words: descriptionText(fields.descriptionHtml).slice(0, searchTextLengthMax),
    codes: [...plan.variants.flatMap(({ sku, barcode }) => [sku, barcode]), plan.handle],
  };
}

const vocabularySql = `
insert into search_vocabulary (word)
select distinct search_learnable(each) from unnest($1::text[]) as each on conflict do nothing`;

/** Words that a search with a typo may have meant. They stay when the product goes. */
export async function learnWords(sql: Sql, plans: readonly ProductPlan[]): Promise<void> {
  const texts = plans.map((plan) => {
    const { title, kind } = productRecord(plan);
    return `${title} ${kind}`;
  });
  await sql.query(vocabularySql, [texts]);
}

/** Ids by handle. */
export async function insertProducts(
  sql: Sql,
  plans: readonly ProductPlan[],
): Promise<ReadonlyMap<string, number>> {
  if (plans.length === 0) return new Map();
  const records = jsonText(plans.map(productRecord));
  const rows = await sql.query<{ id: number; handle: string }>(insertProductsSql, [records]);
  return new Map(rows.map(({ id, handle }) => [handle, id]));
}

export async function updateProducts(sql: Sql, plans: readonly ProductPlan[]): Promise<void> {
  if (plans.length === 0) return;
  await sql.query(updateProductsSql, [jsonText(plans.map(productRecord))]);
}

const writeStatesSql = `
insert into product_states (product_id, version, listed_version, units)
select id, $2, $2, units from unnest($1::int[], $3::int[]) as x(id, units)
on conflict (product_id) do update set version = excluded.version,
  listed_version = excluded.listed_version, units = excluded.units`;

export async function writeStates(
  sql: Sql,
  saved: readonly SavedPlan[],
  version: number,
): Promise<void> {
  const ids = saved.map((each) => each.productId);
  const units = saved.map((each) => each.plan.units);
  await sql.query(writeStatesSql, [ids, version, units]);
}

const retireSql = 'update variants set retired = true where id = any($1::int[])';

const variantRecord = `as x(id int, product_id int, sku text, title text, option_values text[],
  price int, compare_at int, available int, counted boolean, position int, image_url text,
  barcode text, grams float8, weight_unit text, cost int, change int)`;

const updateVariantsSql = `
update variants v set sku = x.sku, title = x.title, option_values = x.option_values,
  price = x.price, compare_at = x.compare_at, available = x.available,
  counted = x.counted, position = x.position, image_url = x.image_url, barcode = x.barcode,
  grams = x.grams, weight_unit = x.weight_unit, cost = x.cost
from jsonb_to_recordset($1::jsonb) ${variantRecord} where v.id = x.id`;

const insertVariantsSql = `
insert into variants (product_id, sku, title, option_values, price, compare_at, available, counted,
  position, image_url, barcode, grams, weight_unit, cost)
select product_id, sku, title, option_values, price, compare_at, available, counted, position,
  image_url, barcode, grams, weight_unit, cost
from jsonb_to_recordset($1::jsonb) ${variantRecord}`;

/** By SKU, since the variants of this very transaction have no other name yet. */
const movementsSql = `
insert into stock_movements (variant_id, kind, quantity, reason, available_after, actor)
select v.id, case when x.id is null then 'initial' else 'adjusted' end, x.change, $2, x.available,
  $3
from jsonb_to_recordset($1::jsonb) ${variantRecord}
join variants v on v.sku = x.sku and not v.retired
where x.change <> 0`;

/** Retires first and inserts last, so that a SKU that one variant gives up is free for another. */
export async function writeVariants(
  sql: Sql,
  saved: readonly SavedPlan[],
  { reason, actor }: { readonly reason: string; readonly actor: string },
): Promise<void> {
  const records = saved.flatMap(({ plan, productId }) =>
    plan.variants.map((variant, position) => ({
      id: variant.id,
      product_id: productId,
      sku: variant.sku,
      title: variant.title,
      option_values: variant.optionValues,
      price: variant.price,
      compare_at: variant.compareAt,
      available: variant.available,
      counted: variant.counted,
      position,
      image_url: variant.imageUrl,
      barcode: variant.barcode,
      grams: variant.grams,
      weight_unit: variant.weightUnit,
      cost: variant.cost,
      change: variant.change,
    })),
  );
  const retired = saved.flatMap(({ plan }) => plan.retired.map(({ id }) => id));
  const known = records.filter(({ id }) => id !== null);
  const fresh = records.filter(({ id }) => id === null);
  const writes: Promise<unknown>[] = [];
  if (retired.length > 0) writes.push(sql.query(retireSql, [retired]));
  if (known.length > 0) writes.push(sql.query(updateVariantsSql, [jsonText(known)]));
  if (fresh.length > 0) writes.push(sql.query(insertVariantsSql, [jsonText(fresh)]));
  writes.push(sql.query(movementsSql, [jsonText(records), reason, actor]));
  await Promise.all(writes);
}

const addCollectionsSql = `
insert into collections (handle, title)
select distinct on (handle) handle, title from unnest($1::text[], $2::text[]) as x(handle, title)
order by handle on conflict (handle) do nothing`;

const leaveCollectionsSql = 'delete from collection_products where product_id = any($1::int[])';

const joinCollectionsSql = `
insert into collection_products (collection_id, product_id)
select distinct c.id, x.product_id from unnest($1::text[], $2::int[]) as x(handle, product_id)
join collections c on c.handle = x.handle`;

export async function writeCollections(sql: Sql, saved: readonly SavedPlan[]): Promise<void> {
  const members = saved.flatMap(({ plan, productId }) =>
    plan.collections
      .map((title) => ({ handle: handleFrom(title), title, productId }))
      .filter(({ handle }) => handle !== ''),
  );
  const handles = members.map((each) => each.handle);
  const titles = members.map((each) => each.title);
  const ids = members.map((each) => each.productId);
  await Promise.all([
    sql.query(addCollectionsSql, [handles, titles]),
    sql.query(leaveCollectionsSql, [saved.map((each) => each.productId)]),
    sql.query(joinCollectionsSql, [handles, ids]),
  ]);
}
