-- Adding a contact took Postgres 0.6 ms, much of it for these functions: what is written in SQL is parsed
-- and planned anew in each statement that fills a column with it. PL/pgSQL keeps its plan as long as
-- the connection lives. What they compute is the same, so nothing is written anew.

CREATE OR REPLACE FUNCTION fold(raw text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN replace(replace(replace(regexp_replace(
        translate(lower(normalize(raw, NFKD) COLLATE "und-x-icu"), 'ґłøđðıħŧ', 'гloddiht'),
        '[\u0300-\u036F\u02B9-\u02BC\u2018\u2019''`´]', '', 'g'),
        'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe');
END
$$;
-- fold() is written out in here: PL/pgSQL would look for it by the search path of whoever writes, and
-- pg_restore, which computes columns again, has none. A test compares the two.
CREATE OR REPLACE FUNCTION search_text(first_name text, last_name text, email text, phone text, additional_data text)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN replace(replace(replace(regexp_replace(
        translate(lower(normalize(
            first_name || E'\x1f' || coalesce(last_name, '') || E'\x1f' || coalesce(email, '') || E'\x1f'
            || coalesce(phone, '') || E'\x1f' || coalesce(additional_data, '') || E'\x1f'
            || coalesce(first_name || ' ' || last_name || ' ' || first_name, ''),
            NFKD) COLLATE "und-x-icu"), 'ґłøđðıħŧ', 'гloddiht'),
        '[\u0300-\u036F\u02B9-\u02BC\u2018\u2019''`´]', '', 'g'),
        'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe');
END
$$;
CREATE OR REPLACE FUNCTION label_text(labels text[]) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN lower(E'\x1e' || array_to_string(labels, E'\x1e') || E'\x1e' COLLATE "und-x-icu");
END
$$;
CREATE OR REPLACE FUNCTION if_short(content text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN CASE WHEN octet_length(content) <= 1200 THEN content END;
END
$$;
CREATE OR REPLACE FUNCTION if_long(content text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN CASE WHEN octet_length(content) > 1200 THEN content END;
END
$$;
