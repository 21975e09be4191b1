-- Which checkout may buy a version of a cart. Written before it pays, so that no second one pays for
-- the same; void once that checkout was rejected: the next one then takes the row over.
create table cart_purchases (
  version uuid primary key,
  -- Its place in the queue, and its order's number once placed.
  number bigint not null
);
alter table follow_ups drop constraint follow_ups_kind_check;
alter table follow_ups add constraint follow_ups_kind_check
  check (kind in ('release', 'void', 'refund', 'empty-cart'));
