-- The first schema. Once landed, this file never changes: the migration runner keeps a checksum.
-- Instants come from the program's clock as parameters, so that tests can stop time; nothing here
-- calls now(). Constraints are named, because db.rs turns their names into answers.

CREATE SEQUENCE users_id_seq;
CREATE TABLE users (
    id            bigint NOT NULL DEFAULT nextval('users_id_seq') CONSTRAINT users_pkey PRIMARY KEY,
    username      text NOT NULL,
    email         text NOT NULL,
    password_hash text NOT NULL,
    role          text NOT NULL DEFAULT 'user' CONSTRAINT users_role_check CHECK (role IN ('user', 'admin')),
    is_verified   boolean NOT NULL DEFAULT false,
    is_active     boolean NOT NULL DEFAULT true,
    -- Key of an uploaded picture in avatars; null: the default picture.
    avatar_key    text,
    created_at    timestamptz NOT NULL,
    -- Set: the account is gone for everybody, its name and address are wiped already, and the worker
    -- deletes what is left in batches.
    deleted_at    timestamptz
);
-- One account whatever the letter case. ICU's lower, because lower() in a database with the C
-- locale leaves everything but ASCII alone.
CREATE UNIQUE INDEX users_username_key ON users (lower(username));
CREATE UNIQUE INDEX users_email_key ON users (lower(email COLLATE "und-x-icu"));
-- The last-admin check counts these few rows under a lock.
CREATE INDEX users_admins_idx ON users (id) WHERE role = 'admin' AND is_active AND is_verified;
-- For the worker: accounts that were never confirmed, and what is left of deleted ones.
CREATE INDEX users_unconfirmed_idx ON users (created_at) WHERE NOT is_verified;
CREATE INDEX users_deleted_idx ON users (deleted_at) WHERE deleted_at IS NOT NULL;

-- A session is one login: of a program, which holds a refresh token that changes at every refresh, or
-- of a browser, which holds a cookie. Every secret carries the account's id, so that each look-up
-- begins with the account.
CREATE SEQUENCE sessions_id_seq;
CREATE TABLE sessions (
    user_id       bigint NOT NULL CONSTRAINT sessions_user_fkey REFERENCES users ON DELETE CASCADE,
    id            bigint NOT NULL DEFAULT nextval('sessions_id_seq'),
    -- SHA-256 of the part of the refresh token that stays the same; null: a browser's. A token with the
    -- right family that is neither of the next two was used before, so nothing else is kept of it.
    family_hash   bytea,
    -- SHA-256 of the refresh token that is valid now, and of the one before, which gives the same
    -- successor again for ten seconds after rotated_at.
    refresh_hash  bytea,
    previous_hash bytea,
    rotated_at    timestamptz,
    -- SHA-256 of the cookie; null: a program's.
    cookie_hash   bytea,
    created_at    timestamptz NOT NULL,
    last_used_at  timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    ip            text NOT NULL,
    user_agent    text NOT NULL,
    CONSTRAINT sessions_pkey PRIMARY KEY (user_id, id)
);
CREATE INDEX sessions_expires_idx ON sessions (expires_at);

-- Passwords for phones and scripts, made by the server.
CREATE SEQUENCE app_passwords_id_seq;
CREATE TABLE app_passwords (
    user_id      bigint NOT NULL CONSTRAINT app_passwords_user_fkey REFERENCES users ON DELETE CASCADE,
    id           bigint NOT NULL DEFAULT nextval('app_passwords_id_seq'),
    name         text NOT NULL,
    scope        text NOT NULL CONSTRAINT app_passwords_scope_check CHECK (scope IN ('carddav', 'read', 'write')),
    -- SHA-256: the password has 160 random bits.
    digest       bytea NOT NULL,
    created_at   timestamptz NOT NULL,
    last_used_at timestamptz,
    last_used_ip text,
    -- The networks that it was used from last, newest first, at most twenty.
    networks     text[] NOT NULL DEFAULT '{}',
    CONSTRAINT app_passwords_pkey PRIMARY KEY (user_id, id)
);

-- The second factor of an account. It counts once it is confirmed.
CREATE TABLE totp (
    user_id    bigint CONSTRAINT totp_pkey PRIMARY KEY
               CONSTRAINT totp_user_fkey REFERENCES users ON DELETE CASCADE,
    -- Encrypted with a key from SECRET_KEY.
    secret     bytea NOT NULL,
    confirmed  boolean NOT NULL DEFAULT false,
    -- The newest time step whose code was taken: none works twice.
    last_step  bigint NOT NULL DEFAULT 0,
    -- HMACs of the recovery codes that are left, with the secret as their key.
    recovery   bytea[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL
);

-- Tokens that travel by mail, hashed. One live token of a kind per account: a new one replaces
-- the older, which is therefore dead.
CREATE TABLE mail_tokens (
    user_id    bigint NOT NULL CONSTRAINT mail_tokens_user_fkey REFERENCES users ON DELETE CASCADE,
    purpose    text NOT NULL CONSTRAINT mail_tokens_purpose_check CHECK (purpose IN ('confirm', 'reset', 'change_email')),
    hash       bytea NOT NULL,
    -- The address that the token was mailed to: using it proves that address and no other.
    email      text NOT NULL,
    expires_at timestamptz NOT NULL,
    -- The mail server has had the mail once: from then on nothing prolongs the link.
    handed_over boolean NOT NULL DEFAULT false,
    CONSTRAINT mail_tokens_pkey PRIMARY KEY (user_id, purpose)
);
CREATE INDEX mail_tokens_expires_idx ON mail_tokens (expires_at);

-- Mail to send, written in the transaction that it tells of. The worker looks up the account when
-- it sends: whether somebody asks for a known or an unknown address, the request does the same
-- work, so that its time tells nothing.
CREATE SEQUENCE outbox_id_seq;
CREATE TABLE outbox (
    id              bigint NOT NULL DEFAULT nextval('outbox_id_seq') CONSTRAINT outbox_pkey PRIMARY KEY,
    -- The same at every try, so that a mail that was sent twice is shown once.
    message_id      text NOT NULL,
    kind            text NOT NULL,
    recipient       text NOT NULL,
    -- Null: nobody has this address, nothing is sent. No reference: an account may be gone by then.
    user_id         bigint,
    -- Links (0) go out before notices (1).
    rank            smallint NOT NULL,
    -- The name for the greeting of a mail that outlives its account; null: ask the account.
    username        text,
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
CREATE INDEX outbox_due_idx ON outbox (rank, next_attempt_at) WHERE done_at IS NULL;
CREATE INDEX outbox_done_idx ON outbox (done_at) WHERE done_at IS NOT NULL;
CREATE INDEX outbox_user_idx ON outbox (user_id, kind, created_at);

-- What happened to accounts. No references: these rows outlive the account.
CREATE SEQUENCE audit_events_id_seq;
CREATE TABLE audit_events (
    id         bigint NOT NULL DEFAULT nextval('audit_events_id_seq') CONSTRAINT audit_events_pkey PRIMARY KEY,
    at         timestamptz NOT NULL,
    actor_id   bigint,
    user_id    bigint,
    action     text NOT NULL,
    ip         text NOT NULL,
    -- The server's own, which no client can choose.
    request_id text NOT NULL
);
CREATE INDEX audit_events_user_idx ON audit_events (user_id, id);
CREATE INDEX audit_events_action_idx ON audit_events (action, id);
-- For the worker that ends them by age.
CREATE INDEX audit_events_at_idx ON audit_events (at);

-- Uploaded pictures. The key is random and changes with the picture, so that it can be cached for
-- ever.
CREATE TABLE avatars (
    user_id bigint CONSTRAINT avatars_pkey PRIMARY KEY
            CONSTRAINT avatars_user_fkey REFERENCES users ON DELETE CASCADE,
    key     text NOT NULL,
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
