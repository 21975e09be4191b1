-- What a payment provider has told us, once an event. Kept for as long as it may be told again.
create table payment_events (
  id text primary key,
  kind text not null,
  checkout_id uuid,
  received_at timestamptz not null default now()
);
create index payment_events_by_time on payment_events (received_at);
