-- What the shop sells. A deleted product and a retired variant stay as rows, because reservations
-- and stock movements go on naming them; only the live ones keep their handle and SKU to themselves.

create table products (
  id integer generated always as identity primary key,
  handle text not null,
  title text not null check (title <> ''),
  sort_title text generated always as (lower(title)) stored,
  description_html text not null default '',
  vendor text not null default '',
  type text not null default '',
  tags text[] not null default '{}',
  images jsonb not null default '[]',
  options jsonb not null default '[]',
  published boolean not null default true,
  price_min integer not null,
  price_max integer not null,
  compare_at integer,
  search tsvector not null,
  created_at timestamptz not null default now(),
  deleted_at timestamptz
);
create unique index products_live_handle on products (handle) where deleted_at is null;
create index products_by_title on products (sort_title, id) where published and deleted_at is null;
create index products_by_price on products (price_min, id) where published and deleted_at is null;
create index products_by_age on products (id) where published and deleted_at is null;
create index products_by_search on products using gin (search) where published and deleted_at is null;

-- What changes with every sale, kept apart from the wide product row: rewriting a description for
-- each batch would cost its pages and, sooner or later, its search index.
-- This row is the one lock of a product: whoever changes stock, price or text takes it first.
create table product_states (
  product_id integer primary key references products (id),
  version bigint not null default 1,
  -- the version at the last change that a list could show
  listed_version bigint not null default 1,
  -- the sum of `available` over the product's live variants
  units integer not null default 0 check (units >= 0)
) with (fillfactor = 40, autovacuum_vacuum_scale_factor = 0.05);

-- `available` is in no index, so that a sale is a heap-only update.
create table variants (
  id integer generated always as identity primary key,
  product_id integer not null references products (id),
  sku text not null check (sku <> ''),
  title text not null default '',
  option_values text[] not null default '{}',
  price integer not null check (price >= 0),
  compare_at integer check (compare_at >= 0),
  available integer not null check (available >= 0),
  position smallint not null,
  image_url text not null default '',
  retired boolean not null default false
) with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);
create unique index variants_live_sku on variants (sku) where not retired;
create index variants_by_product on variants (product_id);

create table collections (
  id integer generated always as identity primary key,
  handle text not null unique,
  title text not null
);
create table collection_products (
  collection_id integer not null references collections (id),
  product_id integer not null references products (id),
  primary key (collection_id, product_id)
);
create index collection_products_by_product on collection_products (product_id);

-- One row: raised when any list could look different.
create table listing_state (
  singleton boolean primary key default true check (singleton),
  version bigint not null
) with (fillfactor = 20);
insert into listing_state (version) values (1);
