-- Search in a large book took two or three passes over each contact's text: one to find what was
-- looked for, others to tell whether that was in the digits of the phone or in a label. Looking
-- for digits in 100,000 contacts took 95 ms, of which these columns of their own leave a third.
-- On a large table this takes a while: the table and one of its indexes are written anew.

-- contacts_name_idx and contacts_long_idx go with them.
ALTER TABLE contacts DROP COLUMN folded, DROP COLUMN folded_long;
DROP FUNCTION search_text(text, text, text, text, text, text[]);

-- What `search` looks in, as one text. Parts end with a control character, which no field has, so
-- nothing that is looked for reaches over two of them:
--   first name US last name US e-mail US phone US additional data US full name in both orders
-- RETURN and not a quoted body: that would look for fold() only when it runs, and pg_restore, which
-- computes these columns again, runs it without a search path.
CREATE FUNCTION search_text(first_name text, last_name text, email text, phone text, additional_data text)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN fold(first_name || E'\x1f' || coalesce(last_name, '') || E'\x1f' || coalesce(email, '') || E'\x1f'
    || coalesce(phone, '') || E'\x1f' || coalesce(additional_data, '') || E'\x1f'
    || coalesce(first_name || ' ' || last_name || ' ' || first_name, ''));
-- RS label RS label RS. Labels are found whole and ignoring case only, so they are not folded.
CREATE FUNCTION label_text(labels text[]) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT lower(E'\x1e' || array_to_string(labels, E'\x1e') || E'\x1e' COLLATE "und-x-icu")
$$;
-- An entry of an index has room for 2,704 bytes, and the two names that it is sorted by may take
-- 800 of them.
CREATE OR REPLACE FUNCTION if_short(content text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN octet_length(content) <= 1200 THEN content END
$$;
CREATE OR REPLACE FUNCTION if_long(content text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN octet_length(content) > 1200 THEN content END
$$;

ALTER TABLE contacts
    -- One of the two is null: what is short has room in an index, so that a search of a large book
    -- never touches the table, where the rows of one owner lie far from each other.
    ADD COLUMN folded text COLLATE "C" GENERATED ALWAYS AS
        (if_short(search_text(first_name, last_name, email, phone, additional_data))) STORED,
    ADD COLUMN folded_long text COLLATE "C" GENERATED ALWAYS AS
        (if_long(search_text(first_name, last_name, email, phone, additional_data))) STORED,
    -- Null when too long for the index.
    ADD COLUMN short_labels text COLLATE "C" GENERATED ALWAYS AS
        (CASE WHEN octet_length(label_text(labels)) <= 400 THEN label_text(labels) END) STORED,
    ADD COLUMN digits text COLLATE "C" GENERATED ALWAYS AS
        (regexp_replace(phone, '[^0-9]', '', 'g')) STORED;

-- For the order of names, and for filters in any order.
CREATE INDEX contacts_name_idx ON contacts (owner, sort_name, first_name, id)
    INCLUDE (digits, folded, short_labels, created_at, updated_at) WHERE deleted_at IS NULL;
CREATE INDEX contacts_long_idx ON contacts (owner, id)
    WHERE deleted_at IS NULL AND (folded IS NULL OR short_labels IS NULL);
