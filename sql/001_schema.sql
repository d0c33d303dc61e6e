-- The schema. Once it is released, this file never changes: the migration runner keeps a checksum.
-- Instants come from the program's clock as parameters, so that tests can stop time; nothing here
-- calls now(). Constraints are named, because db.rs turns their names into answers.
--
-- Accounts come first, then what belongs to an owner. The latter can be distributed by owner (Citus):
-- the owner is the first column of every key, nothing is unique without the owner, nothing refers to
-- another owner's row, and ids come from a sequence and not from an identity column, which Citus
-- cannot distribute. There are no functions, triggers or generated columns: what is derived from a
-- contact's card the program makes (model/contact/columns.rs).


CREATE SEQUENCE users_id_seq;
CREATE TABLE users (
    id            bigint NOT NULL DEFAULT nextval('users_id_seq') CONSTRAINT users_pkey PRIMARY KEY,
    username      text NOT NULL,
    email         text NOT NULL,
    password_hash text NOT NULL,
    role          text NOT NULL DEFAULT 'user' CONSTRAINT users_role_check CHECK (role IN ('user', 'admin')),
    is_verified   boolean NOT NULL DEFAULT false,
    is_active     boolean NOT NULL DEFAULT true,
    -- Of pages and mails, a tag; null: as the browser asks.
    language      text,
    -- Key of an uploaded picture in avatars; null: the default picture.
    avatar_key    text,
    created_at    timestamptz NOT NULL,
    -- Set: the account is gone for everybody, its name and address are wiped already, and the worker
    -- deletes what is left in batches.
    deleted_at    timestamptz
);
-- One account whatever the letter case, and whatever the database's locale: with its lower() an İ may be
-- another i, and a Turkish one makes ı of I. Usernames are ASCII; addresses take ICU's lower.
CREATE UNIQUE INDEX users_username_key ON users (lower(username COLLATE "C"));
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
    -- The name for the greeting of a mail that outlives its account (empty: none); null: ask the account.
    username        text,
    -- Its language, likewise.
    language        text,
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

-- One address book per account. Its row lock puts the writes to a book in order, so that the order of
-- revisions is the order of commits, on which ETags, syncing, the change feed and rewinding rest.
-- The only table of an owner that refers to its account: so a write to a contact locks no row of users.
CREATE TABLE address_books (
    owner         bigint CONSTRAINT address_books_pkey PRIMARY KEY
                  CONSTRAINT address_books_owner_fkey REFERENCES users ON DELETE CASCADE,
    -- The number of the last change, and when that was. Each transaction has an instant of its own, later
    -- than those before, whatever the clocks of two replicas say: so "changed since" can be looked up by
    -- revision, and the changes of one transaction are those with one instant.
    revision      bigint NOT NULL DEFAULT 0,
    changed_at    timestamptz NOT NULL DEFAULT '1970-01-01T00:00:00Z',
    -- Contacts that lists show: X-Total-Count of an unfiltered list must not cost more the longer the
    -- list is.
    contacts      bigint NOT NULL DEFAULT 0 CONSTRAINT address_books_contacts_check CHECK (contacts >= 0),
    -- Apple's cards of groups; most books have none, and then nobody has to look.
    groups        bigint NOT NULL DEFAULT 0 CONSTRAINT address_books_groups_check CHECK (groups >= 0),
    -- Rows of contacts, those in the trash too, and bytes of their cards and of history, for the quotas.
    stored        bigint NOT NULL DEFAULT 0 CONSTRAINT address_books_stored_check CHECK (stored >= 0),
    card_bytes    bigint NOT NULL DEFAULT 0 CONSTRAINT address_books_card_bytes_check CHECK (card_bytes >= 0),
    history_bytes bigint NOT NULL DEFAULT 0 CONSTRAINT address_books_history_bytes_check CHECK (history_bytes >= 0),
    -- Up to which revision deletions may be forgotten: an older token must not be believed.
    forgotten     bigint NOT NULL DEFAULT 0,
    -- Up to which instant history may be gone: nothing can be rewound to before it.
    history_since timestamptz NOT NULL DEFAULT '1970-01-01T00:00:00Z',
    -- When something of trash or history is next too old; null: there is nothing.
    purge_after   timestamptz,
    -- The version of the function that made the derived columns of every contact, at least.
    made_by       smallint NOT NULL DEFAULT 0,
    -- Part of every token: tokens of another book, and of a database that was since restored, differ.
    epoch         uuid NOT NULL DEFAULT gen_random_uuid(),
    -- What CardDAV clients call it; null: what we call it.
    display_name  text,
    description   text
) WITH (fillfactor = 50);
CREATE INDEX address_books_purge_idx ON address_books (purge_after) WHERE purge_after IS NOT NULL;

-- The address of the birthday calendar: SHA-256 of its secret. Apart from the book, whose row an import
-- may hold locked: ending an account's secrets waits for nothing.
CREATE TABLE calendars (
    owner bigint CONSTRAINT calendars_pkey PRIMARY KEY
          CONSTRAINT calendars_owner_fkey REFERENCES users ON DELETE CASCADE,
    hash  bytea NOT NULL,
    -- The app password with which it was made, if it was one: it ends with that.
    app_password bigint,
    CONSTRAINT calendars_app_password_fkey FOREIGN KEY (owner, app_password)
        REFERENCES app_passwords ON DELETE CASCADE
);

-- A contact is its card. Everything from `is_group` to `photo_type` is made from the card when the row
-- is written, by the function whose version stands in `made_by`.
CREATE SEQUENCE contacts_id_seq;
CREATE TABLE contacts (
    owner         bigint NOT NULL,
    id            bigint NOT NULL DEFAULT nextval('contacts_id_seq'),
    revision      bigint NOT NULL,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    -- Set: in the trash.
    deleted_at    timestamptz,
    -- The change that made it, as history has it of later ones.
    born          bigint NOT NULL,
    born_by       text NOT NULL,
    born_client   text NOT NULL,
    -- Its name for CardDAV clients, any octets; null: the uid and `.vcf`.
    resource      bytea,
    -- The card's UID; a long one is cut, and ends with a digest of it.
    uid           text COLLATE "C" NOT NULL,
    -- vCard 3.0.
    card          text NOT NULL,
    made_by       smallint NOT NULL,
    -- Apple's card of a group: it shows a label, and no list shows it.
    is_group      boolean NOT NULL,
    -- The members of the JSON, each on a line of its own, in the order of the contract, the name first
    -- and the labels last. What JSON repeats stands there packed (model/contact/packed.rs).
    members       text COLLATE "C" NOT NULL,
    -- What lists are sorted by, each cut to 100 characters: the last name (or what stands for it), then the first.
    sort_name     text COLLATE "und-x-icu" NOT NULL,
    sort_more     text COLLATE "und-x-icu" NOT NULL,
    -- What filters look in: folded text in parts, digits of the numbers, labels in lower case; the latter two are
    -- null where there are none. A text stands in one of them, since each is in the row and in an index. All
    -- three are null when they are too long for an index; `long_text` has them then.
    folded        text COLLATE "C",
    digits        text COLLATE "C",
    label_keys    text COLLATE "C",
    long_text     text COLLATE "C",
    -- Month and day as one number (29 February is 229), and the year where it is known.
    birthday_key  smallint,
    birthday_year smallint,
    -- Of the picture in the card; null: it has none.
    photo_type    text,

    CONSTRAINT contacts_pkey PRIMARY KEY (owner, id)
);
-- What a search passes over is not compressed: unpacking would take longer than looking.
ALTER TABLE contacts ALTER COLUMN folded SET STORAGE EXTERNAL;
-- Statements are planned as if every book were a two-hundredth of the table, which is Postgres' guess without
-- statistics of the owner. With them it believes of a book that is younger than they are that it has one
-- contact. Then any index of the owner seems as good as another, and it reads the book for each contact.
ALTER TABLE contacts ALTER COLUMN owner SET STATISTICS 0;
CREATE UNIQUE INDEX contacts_uid_key ON contacts (owner, uid) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX contacts_resource_key ON contacts (owner, resource)
    WHERE deleted_at IS NULL AND resource IS NOT NULL;
-- The order of changes: syncing, the change feed, lists by time.
CREATE INDEX contacts_revision_idx ON contacts (owner, revision);
-- The order of names; and what filters look in, so that a search never touches the table, where the
-- rows of one owner lie far from each other.
CREATE INDEX contacts_name_idx ON contacts (owner, sort_name, sort_more, id)
    INCLUDE (folded, digits, label_keys, revision) WHERE deleted_at IS NULL AND NOT is_group;
CREATE INDEX contacts_long_idx ON contacts (owner, id)
    WHERE deleted_at IS NULL AND NOT is_group AND long_text IS NOT NULL;
CREATE INDEX contacts_group_idx ON contacts (owner, id) WHERE deleted_at IS NULL AND is_group;
CREATE INDEX contacts_birthday_idx ON contacts (owner, birthday_key, sort_name, sort_more, id)
    WHERE deleted_at IS NULL AND NOT is_group AND birthday_key IS NOT NULL;
CREATE INDEX contacts_trash_idx ON contacts (owner, deleted_at, id) WHERE deleted_at IS NOT NULL;

-- What a contact was before each change but the first, for 30 days.
CREATE TABLE history (
    owner      bigint NOT NULL,
    -- Of the change that ended this state.
    revision   bigint NOT NULL,
    contact    bigint NOT NULL,
    at         timestamptz NOT NULL,
    -- rest, carddav, web, import, merge, rewind; and the app password's name or the User-Agent.
    protocol   text NOT NULL,
    client     text NOT NULL,
    -- The state: its card, since when it was so, and whether it lay in the trash.
    card       text NOT NULL,
    since      timestamptz NOT NULL,
    in_trash   boolean NOT NULL,
    -- A group of thousands follows its label at each change of one of them: then `card` has only the uids of the
    -- members who came or went, as JSON, and the card is that of the next state with each of them in or out.
    by_members boolean NOT NULL,
    CONSTRAINT history_pkey PRIMARY KEY (owner, revision)
);
CREATE INDEX history_contact_idx ON history (owner, contact, revision);
-- As of `contacts`.
ALTER TABLE history ALTER COLUMN owner SET STATISTICS 0;

-- Names that contacts had for CardDAV clients before they were renamed: a client that syncs has to
-- hear that the old name is gone. Kept as long as the trash.
CREATE TABLE former_names (
    owner    bigint NOT NULL,
    revision bigint NOT NULL,
    at       timestamptz NOT NULL,
    resource bytea NOT NULL,
    CONSTRAINT former_names_pkey PRIMARY KEY (owner, revision)
);

-- Files between the two steps of an import on a page: one an owner, for an hour. Not logged, since a lost
-- one is sent again.
CREATE UNLOGGED TABLE uploads (
    owner   bigint CONSTRAINT uploads_pkey PRIMARY KEY
            CONSTRAINT uploads_owner_fkey REFERENCES users ON DELETE CASCADE,
    content bytea NOT NULL,
    label   text NOT NULL,
    at      timestamptz NOT NULL,
    found    text NOT NULL,  -- what would come of it, as JSON; empty where a person has to say more
    revision bigint NOT NULL -- of the book for which that was found
);
ALTER TABLE uploads ALTER COLUMN content SET STORAGE EXTERNAL;
CREATE INDEX uploads_at_idx ON uploads (at);

-- Contacts that look like duplicates and are different people: those that were dismissed together, once
-- for each of them. What is dismissed goes with its contact.
-- A contact that took over another in a merge stands here in the place of that one too: as long as that
-- one lies in the trash or was purged. Once a rewind or a restore brings it back, the row says nothing.
CREATE SEQUENCE dismissals_ids;
CREATE TABLE dismissals (
    owner     bigint NOT NULL,
    dismissal bigint NOT NULL,
    contact   bigint NOT NULL,
    -- In whose place: its own id, or that of a contact that was merged into it.
    stands_for bigint NOT NULL,
    CONSTRAINT dismissals_pkey PRIMARY KEY (owner, dismissal, contact, stands_for),
    CONSTRAINT dismissals_contact_fkey FOREIGN KEY (owner, contact) REFERENCES contacts ON DELETE CASCADE
);
CREATE INDEX dismissals_contact_idx ON dismissals (owner, contact);
