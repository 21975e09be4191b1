-- What changed, for the caches at the front. Written in the transaction that changed it.
-- Identity values are not in commit order, so readers page on (xid, id) and keep their place below
-- the oldest transaction that is still running.
create table invalidations (
  xid xid8 not null default pg_current_xact_id(),
  id bigint generated always as identity,
  -- 0 is the listing
  product_id integer not null,
  version bigint not null,
  sku text,
  available integer,
  at timestamptz not null default now(),
  primary key (xid, id)
) with (autovacuum_vacuum_scale_factor = 0.05);

-- One row: invalidations at or below this transaction may have been trimmed away.
create table invalidation_horizon (
  singleton boolean primary key default true check (singleton),
  xid xid8 not null
);
insert into invalidation_horizon (xid) values ('0');

-- Who changed what in the admin. Written in the transaction that changed it.
create table audit_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  actor text not null,
  action text not null,
  subject text not null,
  detail jsonb not null default '{}'
);
create index audit_log_by_time on audit_log (at);
