-- Who shops here, and who runs the shop. Erasure blanks the row and keeps it: the audit log and
-- the outbox go on naming its id, which says nothing about a person.
create table customers (
  id uuid primary key default uuidv7(),
  email text,
  name text not null default '',
  password_hash text,
  role text not null default 'customer' check (role in ('customer', 'staff', 'owner')),
  created_at timestamptz not null default now(),
  erased_at timestamptz,
  check ((erased_at is null) = (email is not null and password_hash is not null))
);
create unique index customers_email on customers (lower(email));

-- A row is a session that has not been signed out of. Tokens are short-lived copies of it.
create table sessions (
  id uuid primary key default gen_random_uuid(),
  customer_id uuid not null references customers (id),
  created_at timestamptz not null default now(),
  renewed_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index sessions_by_customer on sessions (customer_id);

-- Failed sign-ins, in the form that rate-limiter-flexible prescribes. Keys are digests.
create table sign_in_failures (
  key varchar(255) primary key,
  points integer not null default 0,
  expire bigint
);

-- Customers whose orders must still be told to forget them.
create table erasures (
  customer_id uuid primary key references customers (id),
  attempts integer not null default 0,
  due_at timestamptz not null default now()
);

-- Who did what. The actor is an id, so that erasing a person erases them here as well.
create table audit_log (
  id bigint primary key generated always as identity,
  at timestamptz not null default now(),
  actor_id uuid not null,
  action text not null,
  subject text not null,
  detail jsonb not null default '{}'
);
create index audit_log_by_time on audit_log (at);
