-- How often the provider was asked for the payment of this checkout and gave no answer. Such a
-- checkout is claimable again at `lease_until`, held by nobody until then.
alter table queue add column unanswered smallint not null default 0;
