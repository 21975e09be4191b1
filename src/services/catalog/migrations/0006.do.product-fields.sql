-- What a product file says beside name, text, price and stock. `published` stays what every reader
-- goes by: the page is there and the product can be bought. An unlisted product is in no list.
alter table products
  add column status text not null default 'active'
    check (status in ('active', 'draft', 'archived', 'unlisted')),
  add column gift_card boolean not null default false,
  add column seo_title text not null default '',
  add column seo_description text not null default '';
update products set status = 'draft' where not published;

-- `weight_unit` is for display. `cost` is what the owner pays.
alter table variants
  add column barcode text not null default '',
  add column grams double precision check (grams >= 0),
  add column weight_unit text not null default '',
  add column cost integer check (cost >= 0);
