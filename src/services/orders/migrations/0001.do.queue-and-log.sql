-- Every accepted checkout, for ever: the idempotency key, what was asked, by whom.
create table checkouts (
  id uuid primary key,
  key uuid not null unique,
  hash uuid not null,
  seq bigint not null generated always as identity,
  expires bigint not null,
  customer text,
  request json not null
);
create index checkouts_by_customer on checkouts (customer) where customer is not null;

-- The queue itself is narrow, because claiming rewrites its rows: a row here is undecided.
-- Half-empty pages keep a claim a heap-only update (no index entry, little WAL).
create table queue (
  seq bigint primary key,
  checkout_id uuid not null,
  claim_token uuid,
  lease_until bigint not null default 0,
  attempts smallint not null default 0
) with (
  fillfactor = 50,
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 20000,
  autovacuum_vacuum_cost_delay = 0,
  autovacuum_analyze_scale_factor = 0,
  autovacuum_analyze_threshold = 100000
);

-- The order log. An order's number is its checkout's place in the queue, so one checkout can
-- have one order only. Lines are a snapshot of what was sold: they never change.
create table orders (
  number bigint primary key,
  checkout_id uuid not null,
  placed_at bigint not null,
  total bigint not null check (total >= 0),
  state smallint not null default 0,
  currency char(3) not null,
  customer text,
  payment_id text not null,
  lines json not null
);
create index orders_by_customer on orders (customer, number) where customer is not null;

create table rejections (
  seq bigint primary key,
  checkout_id uuid not null,
  rejection json not null
);

-- What follows from a decision, carried out until done, idempotently.
create table follow_ups (
  id bigint primary key generated always as identity,
  checkout_id uuid not null,
  kind text not null check (kind in ('release', 'void', 'refund')),
  lease_until bigint not null default 0
);

create table audit_log (
  id bigint primary key generated always as identity,
  at timestamptz not null default now(),
  actor text not null,
  action text not null,
  subject text not null,
  detail json not null default '{}'
);
