-- Versions of all products come from one sequence. A SKU can move from product to product, and a
-- deleted product's SKU can come back in a new one: whoever compares two figures of a SKU must be
-- able to tell the later one. Large steps, because a catalog of before, still running, counts each
-- product's version up by one: the next version from here is beyond what it reached.
create sequence product_versions increment by 1000;
select setval('product_versions', (select coalesce(max(version), 0) + 1000 from product_states));
