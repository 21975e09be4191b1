-- A purchase can be under way while its customer is erased, so the orders service is told once more
-- when all that was under way has arrived.
alter table erasures add column requested_at timestamptz not null default now();
