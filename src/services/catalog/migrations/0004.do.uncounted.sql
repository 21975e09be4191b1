-- A variant that is not counted is always for sale; `available` keeps its last count meanwhile.
alter table variants add column counted boolean not null default true;
-- True where the variant was not counted when it was reserved: the line took no units and gives none
-- back. Null otherwise, so that the ledger's usual row stays as small as it was.
alter table reservations add column uncounted boolean;
