-- The first schema. Once landed, this file never changes: the migration runner keeps a checksum.
-- Instants come from the program's clock as parameters, so that tests can stop time; nothing here
-- calls now(). Constraints are named, because db.rs turns their names into answers.

CREATE TABLE users (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    username      text NOT NULL,
    email         text NOT NULL,
    password_hash text NOT NULL,
    role          text NOT NULL DEFAULT 'user' CONSTRAINT users_role_check CHECK (role IN ('user', 'admin')),
    is_verified   boolean NOT NULL DEFAULT false,
    is_active     boolean NOT NULL DEFAULT true,
    -- Key of an uploaded picture in avatars; null: the default picture.
    avatar_key    text,
    created_at    timestamptz NOT NULL
);
-- One account whatever the letter case. ICU's lower, because lower() in a database with the C
-- locale leaves everything but ASCII alone.
CREATE UNIQUE INDEX users_username_key ON users (lower(username));
CREATE UNIQUE INDEX users_email_key ON users (lower(email COLLATE "und-x-icu"));
-- The last-admin check counts these few rows under a lock.
CREATE INDEX users_admins_idx ON users (id) WHERE role = 'admin' AND is_active AND is_verified;

-- A session is one login. Its refresh token changes at every refresh.
CREATE TABLE sessions (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id      bigint NOT NULL CONSTRAINT sessions_user_fkey REFERENCES users ON DELETE CASCADE,
    -- SHA-256 of the refresh token that is valid now.
    refresh_hash bytea NOT NULL CONSTRAINT sessions_refresh_hash_key UNIQUE,
    created_at   timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    ip           text NOT NULL,
    user_agent   text NOT NULL
);
CREATE INDEX sessions_user_idx ON sessions (user_id, id);
CREATE INDEX sessions_expires_idx ON sessions (expires_at);

-- Refresh tokens that were exchanged for a newer one. Whoever shows one of these stole it, or was
-- stolen from: the session ends.
CREATE TABLE spent_refresh_tokens (
    hash       bytea PRIMARY KEY,
    session_id bigint NOT NULL CONSTRAINT spent_refresh_tokens_session_fkey REFERENCES sessions ON DELETE CASCADE
);
CREATE INDEX spent_refresh_tokens_session_idx ON spent_refresh_tokens (session_id);

-- Tokens that travel by mail, hashed. One live token of a kind per account: a new one replaces
-- the older, which is therefore dead.
CREATE TABLE mail_tokens (
    user_id    bigint NOT NULL CONSTRAINT mail_tokens_user_fkey REFERENCES users ON DELETE CASCADE,
    purpose    text NOT NULL CONSTRAINT mail_tokens_purpose_check CHECK (purpose IN ('confirm', 'reset', 'change_email')),
    hash       bytea NOT NULL CONSTRAINT mail_tokens_hash_key UNIQUE,
    -- The address that the token was mailed to: using it proves that address and no other.
    email      text NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT mail_tokens_pkey PRIMARY KEY (user_id, purpose)
);
CREATE INDEX mail_tokens_expires_idx ON mail_tokens (expires_at);

-- Mail to send, written in the transaction that it tells of. The worker looks up the account when
-- it sends: whether somebody asks for a known or an unknown address, the request does the same
-- work, so that its time tells nothing.
CREATE TABLE outbox (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The same at every try, so that a mail that was sent twice is shown once.
    message_id      text NOT NULL,
    kind            text NOT NULL,
    recipient       text NOT NULL,
    -- Null: nobody has this address, nothing is sent. No reference: an account may be gone by then.
    user_id         bigint,
    -- The secret of the link, made at the first try. It has to be readable until it is sent, and is
    -- wiped then.
    token           text,
    created_at      timestamptz NOT NULL,
    attempts        integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL,
    -- Set when it was sent, or given up; such a row is kept a while for the operator.
    done_at         timestamptz,
    last_error      text
);
CREATE INDEX outbox_due_idx ON outbox (next_attempt_at) WHERE done_at IS NULL;
CREATE INDEX outbox_done_idx ON outbox (done_at) WHERE done_at IS NOT NULL;

-- What happened to accounts. No references: these rows outlive the account.
CREATE TABLE audit_events (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL,
    actor_id   bigint,
    user_id    bigint,
    action     text NOT NULL,
    ip         text NOT NULL,
    request_id text NOT NULL
);
CREATE INDEX audit_events_user_idx ON audit_events (user_id, id);
CREATE INDEX audit_events_action_idx ON audit_events (action, id);

-- Uploaded pictures. The key is random and changes with the picture, so that it can be cached for
-- ever.
CREATE TABLE avatars (
    user_id bigint PRIMARY KEY CONSTRAINT avatars_user_fkey REFERENCES users ON DELETE CASCADE,
    key     text NOT NULL CONSTRAINT avatars_key_key UNIQUE,
    picture bytea NOT NULL
);

-- One address book per account. Its row lock puts the writes to a book in order, so that the
-- order of revisions is the order of commits, which syncing needs.
CREATE TABLE address_books (
    owner         bigint CONSTRAINT address_books_pkey PRIMARY KEY
                  CONSTRAINT address_books_owner_fkey REFERENCES users ON DELETE CASCADE,
    -- The number of the last change.
    revision      bigint NOT NULL DEFAULT 0,
    -- Contacts that are not in the trash: X-Total-Count of an unfiltered list must not cost more
    -- the longer the list is.
    contacts      bigint NOT NULL DEFAULT 0 CONSTRAINT address_books_contacts_check CHECK (contacts >= 0),
    -- SHA-256 of the secret in the address of the birthday calendar.
    calendar_hash bytea CONSTRAINT address_books_calendar_hash_key UNIQUE
);

-- Text as the eye compares it: without case, accents and apostrophes, in any script. NFKD takes
-- accents off their letters; the listed letters have no decomposition. IMMUTABLE although ICU is
-- asked: what ICU does to a letter changes with its version, which needs the columns below to be
-- computed anew. unaccent is no help: it knows one Cyrillic letter.
CREATE FUNCTION fold(raw text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT replace(replace(replace(regexp_replace(
        translate(lower(normalize(raw, NFKD) COLLATE "und-x-icu"), 'ґłøđðıħŧ', 'гloddiht'),
        '[\u0300-\u036F\u02B9-\u02BC\u2018\u2019''`´]', '', 'g'),
        'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe')
$$;

-- Everything that filters look in, as one text, so that a search passes over it once. Parts end
-- with control characters, which no field has (additional_data has line breaks and tabs only), so
-- nothing that is looked for reaches over two of them:
--   first name US last name US e-mail US phone US additional data US full name in both orders
--   GS digits of the phone GS RS label RS label RS
-- Labels are found whole and ignoring case only, so they are not folded.
CREATE FUNCTION search_text(first_name text, last_name text, email text, phone text, additional_data text, labels text[])
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT fold(first_name || E'\x1f' || coalesce(last_name, '') || E'\x1f' || coalesce(email, '') || E'\x1f'
            || coalesce(phone, '') || E'\x1f' || coalesce(additional_data, '') || E'\x1f'
            || coalesce(first_name || ' ' || last_name || ' ' || first_name, ''))
        || E'\x1d' || coalesce(regexp_replace(phone, '[^0-9]', '', 'g'), '')
        || E'\x1d\x1e' || lower(array_to_string(labels, E'\x1e') COLLATE "und-x-icu") || E'\x1e'
$$;
CREATE FUNCTION if_short(content text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN octet_length(content) <= 1500 THEN content END
$$;
CREATE FUNCTION if_long(content text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN octet_length(content) > 1500 THEN content END
$$;

CREATE TABLE contacts (
    -- The owner comes first in every key: a contact's row can live with its owner's shard.
    owner           bigint NOT NULL CONSTRAINT contacts_owner_fkey REFERENCES users ON DELETE CASCADE,
    id              bigint GENERATED ALWAYS AS IDENTITY,
    uid             text NOT NULL,
    revision        bigint NOT NULL,
    first_name      text COLLATE "und-x-icu" NOT NULL,
    last_name       text,
    email           text,
    phone           text,
    birthday        date,
    additional_data text,
    labels          text[] NOT NULL DEFAULT '{}',
    -- vCard lines without a field of ours, verbatim.
    properties      text NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    -- Set: in the trash.
    deleted_at      timestamptz,

    -- What lists are sorted by.
    sort_name         text COLLATE "und-x-icu" NOT NULL GENERATED ALWAYS AS (coalesce(last_name, first_name)) STORED,
    -- What filters look in, made when written, since folding is slow and reading is often. One of
    -- the two is null: what is short has room in an index, so that a search of a large book never
    -- touches the table, where the rows of one owner lie far from each other.
    folded            text COLLATE "C" GENERATED ALWAYS AS (if_short(search_text(first_name, last_name, email, phone, additional_data, labels))) STORED,
    folded_long       text COLLATE "C" GENERATED ALWAYS AS (if_long(search_text(first_name, last_name, email, phone, additional_data, labels))) STORED,
    -- Month and day as one number: 29 February is 229.
    birthday_key      smallint GENERATED ALWAYS AS ((extract(month FROM birthday) * 100 + extract(day FROM birthday))::smallint) STORED,

    CONSTRAINT contacts_pkey PRIMARY KEY (owner, id)
);
CREATE UNIQUE INDEX contacts_owner_uid_key ON contacts (owner, uid) WHERE deleted_at IS NULL;
-- For the order of names, and for filters in any order.
CREATE INDEX contacts_name_idx ON contacts (owner, sort_name, first_name, id) INCLUDE (folded, created_at, updated_at) WHERE deleted_at IS NULL;
CREATE INDEX contacts_long_idx ON contacts (owner, id) WHERE deleted_at IS NULL AND folded IS NULL;
CREATE INDEX contacts_created_idx ON contacts (owner, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX contacts_updated_idx ON contacts (owner, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX contacts_birthday_idx ON contacts (owner, birthday_key) WHERE deleted_at IS NULL AND birthday_key IS NOT NULL;
CREATE INDEX contacts_trash_idx ON contacts (owner, deleted_at, id) WHERE deleted_at IS NOT NULL;
-- For the worker that empties the trash.
CREATE INDEX contacts_purge_idx ON contacts (deleted_at) WHERE deleted_at IS NOT NULL;
