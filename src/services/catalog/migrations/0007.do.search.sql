-- Search: one normalisation for what is written and what is asked, in these functions alone.
--
-- `search` holds words: of the title, of vendor, type and tags, of the description. `names` holds the
-- title and the codes (SKUs, barcodes, the handle), each without blanks and marks between two bars, and
-- then the words of the title: "|tshirt|ts1|tshirt| t shirt". It finds codes, and what is joined or
-- split otherwise than it was written. `search_vocabulary` holds words that a typo may have meant.

create extension if not exists pg_trgm; -- an index for "like '%…%'"
create extension if not exists fuzzystrmatch; -- the distance of two words

-- "Łódź’s Café – 3/4″" becomes "lodzs cafe – 3/4″": letters without accents, no apostrophes.
create function search_fold(text) returns text language sql immutable parallel safe return
  replace(replace(replace(replace(translate(
    normalize(regexp_replace(normalize(lower($1), nfkd), '[\u0300-\u036f\u00ad\u200b-\u200f\u2060\ufe00-\ufe0f''’‘ʼ`´]', '', 'g'), nfc),
    'łđøıħŧð', 'ldoihtd'), 'ß', 'ss'), 'œ', 'oe'), 'æ', 'ae'), 'þ', 'th');

-- Words of folded text, one blank between two. Chinese and Japanese are written without blanks: there
-- each character counts as a word.
create function search_split(text) returns text language sql immutable parallel safe return
  trim(regexp_replace(regexp_replace($1, '([\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])', ' \1 ', 'g'),
    '[[:punct:][:space:][:cntrl:]]+', ' ', 'g'));

create function search_words(text) returns text language sql immutable parallel safe return
  search_split(search_fold($1));

-- As `search_words`, but marks join: "T-shirt 3.2" is "tshirt 32".
create function search_joined(text) returns text language sql immutable parallel safe return
  search_split(regexp_replace(search_fold($1), '[[:punct:]]+', '', 'g'));

create function search_compact(text) returns text language sql immutable parallel safe return
  replace(search_words($1), ' ', '');

-- title, codes
create function search_names(text, text[]) returns text language sql immutable parallel safe return
  '|' || search_compact($1) || '|' || (
    select coalesce(string_agg(search_compact(code), '|'), '') from unnest($2) as code)
  || '| ' || search_words($1);

-- title, kind, description
create function search_vector(text, text, text) returns tsvector language sql immutable parallel safe
return setweight(to_tsvector('english', search_words($1) || ' ' || search_joined($1)), 'A')
  || setweight(to_tsvector('simple', search_words($1) || ' ' || search_joined($1)), 'A')
  || setweight(to_tsvector('english', search_words($2) || ' ' || search_joined($2)), 'B')
  || setweight(to_tsvector('simple', search_words($2) || ' ' || search_joined($2)), 'B')
  || setweight(to_tsvector('english', search_words($3)), 'D');

-- Every one of the first twelve words must occur; the last of them may be unfinished.
create function search_terms(text[]) returns tsquery language sql immutable parallel safe return
  plainto_tsquery('english', array_to_string($1[:cardinality($1) - 1], ' '))
  && (to_tsquery('english', '''' || $1[cardinality($1)] || ''':*')
    || to_tsquery('simple', '''' || $1[cardinality($1)] || ''':*'));

create function search_query(text) returns tsquery language sql immutable parallel safe return
  search_terms((string_to_array(search_words($1), ' '))[:12])
  || search_terms((string_to_array(search_joined($1), ' '))[:12]);

-- What `names` must be like. Less than three characters have no trigram: those begin a name.
create function search_pattern(text) returns text language sql immutable parallel safe return
  case when length(search_compact($1)) >= 3 then '%' || search_compact($1) || '%'
    when search_compact($1) <> '' then '%|' || search_compact($1) || '%' end;

-- Words of letters only: numbers and codes are not corrected.
create function search_learnable(text) returns setof text language sql immutable parallel safe
begin atomic
  select distinct word from unnest(string_to_array(search_words($1) || ' ' || search_joined($1), ' '))
    as word where word ~ '^[[:alpha:]]{3,30}$';
end;

create table search_vocabulary (word text primary key);

create function search_letters(text) returns text language sql immutable parallel safe return
  (select string_agg(letter, '' order by letter) from regexp_split_to_table($1, '') as letter);

-- One letter may be wrong, two in words of six letters, or the same letters stand in another order.
create function search_is_near(text, text) returns boolean language sql immutable parallel safe return
  levenshtein_less_equal($1, $2, 2) <= 1 or (levenshtein_less_equal($1, $2, 2) = 2
    and (length($2) >= 6 or search_letters($1) = search_letters($2)));

-- The first six words, the unknown ones replaced by the nearest known word where there is one.
create function search_corrected(text) returns text language sql stable parallel safe
begin atomic
  select string_agg(coalesce(
    (select word from search_vocabulary where word = asked.word),
    (select word from search_vocabulary
      where asked.word ~ '^[[:alpha:]]{3,30}$'
        and length(word) between length(asked.word) - 2 and length(asked.word) + 2
        and search_is_near(word, asked.word)
      order by levenshtein(word, asked.word), word limit 1),
    asked.word), ' ' order by position)
  from unnest((string_to_array(search_words($1), ' '))[:6]) with ordinality as asked(word, position);
end;

alter table products add column names text not null default '';

update products p set
  names = search_names(title, array(
    select unnest(array[sku, barcode]) from variants v
    where v.product_id = p.id and not v.retired) || handle),
  search = search_vector(title, concat_ws(' ', vendor, type, array_to_string(tags, ' ')),
    left(regexp_replace(description_html, '<[^>]*>|&[a-z#0-9]+;', ' ', 'gi'), 10000))
where deleted_at is null;

create index products_by_names on products using gin (names gin_trgm_ops) where deleted_at is null;

insert into search_vocabulary
select distinct search_learnable(concat_ws(' ', title, vendor, type, array_to_string(tags, ' ')))
from products where deleted_at is null;
