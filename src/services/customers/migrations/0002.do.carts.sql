-- A cart is one row, its lines an object by SKU: each call is one statement on one row.
-- `updated_at` is in no index and pages are left a third empty, so that an edit is a heap-only
-- update: no index entry, little to write ahead.
create table carts (
  id uuid primary key,
  customer_id uuid references customers (id),
  lines jsonb not null default '{}',
  updated_at timestamptz not null default now()
) with (fillfactor = 66, autovacuum_vacuum_scale_factor = 0.1);
create index carts_by_customer on carts (customer_id) where customer_id is not null;
