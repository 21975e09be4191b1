-- Every unit is accounted for: initial + restocked + released - taken = available.

-- What put units on the shelf or corrected a count. `quantity` is negative for a correction downward.
create table stock_movements (
  id bigint generated always as identity primary key,
  variant_id integer not null references variants (id),
  kind text not null check (kind in ('initial', 'restocked', 'adjusted')),
  quantity integer not null,
  reason text not null default '',
  available_after integer not null,
  actor text not null,
  idempotency_key text,
  at timestamptz not null default now()
);
create index stock_movements_by_variant on stock_movements (variant_id);
create unique index stock_movements_key on stock_movements (idempotency_key)
  where idempotency_key is not null;

-- The first answer to every checkout, for ever. One row a line; line 0 always exists, so that two
-- first answers to one checkout meet in the primary key whatever they say.
--   state 1 reserved, 2 released after a reservation, 3 refused as sold out, 4 refused as unknown,
--   5 given up before it was seen (a tombstone).
-- `quantity` of a refusal is what was available then; `sku` is set for an unknown one only.
-- No foreign key: its check costs a lock and about 5 µs a row, and variants are never deleted.
create table reservations (
  checkout_id uuid not null,
  variant_id integer not null,
  quantity integer not null,
  unit_price integer not null,
  line smallint not null,
  state smallint not null check (state between 1 and 5),
  sku text,
  primary key (checkout_id, line)
);
