-- What folding left behind: accents that stand alone (´ became a space, so that a search for it found
-- everybody who has one, and O´Neil was no O'Neil), the points and signs above Hebrew and Arabic letters,
-- and the sigma that Greek writes at a word's end, by which half a name did not find the whole.
-- NFKD makes a space and an accent out of an accent that stands alone: both go.

CREATE OR REPLACE FUNCTION fold(raw text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN replace(replace(replace(regexp_replace(
        translate(lower(normalize(raw, NFKD) COLLATE "und-x-icu"), 'ґłøđðıħŧς', 'гloddihtσ'),
        ' ?[\u0300-\u036F]|[\u0591-\u05BD\u05BF\u05C1\u05C2\u05C4\u05C5\u05C7\u0610-\u061A\u0640\u064B-\u065F\u0670\u02B9-\u02BC\u2018\u2019''`]',
        '', 'g'),
        'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe');
END
$$;
CREATE OR REPLACE FUNCTION search_text(first_name text, last_name text, email text, phone text, additional_data text)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN replace(replace(replace(regexp_replace(
        translate(lower(normalize(
            first_name || E'\x1f' || coalesce(last_name, '') || E'\x1f' || coalesce(email, '') || E'\x1f'
            || coalesce(phone, '') || E'\x1f' || coalesce(additional_data, '') || E'\x1f'
            || coalesce(first_name || ' ' || last_name || ' ' || first_name, ''),
            NFKD) COLLATE "und-x-icu"), 'ґłøđðıħŧς', 'гloddihtσ'),
        ' ?[\u0300-\u036F]|[\u0591-\u05BD\u05BF\u05C1\u05C2\u05C4\u05C5\u05C7\u0610-\u061A\u0640\u064B-\u065F\u0670\u02B9-\u02BC\u2018\u2019''`]',
        '', 'g'),
        'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe');
END
$$;

-- Only what folds to something else now is written anew.
UPDATE contacts SET first_name = first_name
WHERE coalesce(folded, folded_long)
    IS DISTINCT FROM search_text(first_name, last_name, email, phone, additional_data) COLLATE "C";
