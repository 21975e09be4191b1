-- True from the moment when an order's units were to go back on the shelf: with its cancellation,
-- or with its refund before it was sent. Cancelled orders from before are known by their state.
alter table orders add column units_released boolean not null default false;
