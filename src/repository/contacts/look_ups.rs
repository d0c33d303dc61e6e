//! Parts of statements that find many contacts, each by its index. `id = ANY` is not taken for that: while
//! Postgres has no statistics of the table, which is in the first minute of a server, it reads the whole book and
//! compares each row with each id. LIMIT leaves it no such choice. Which index that is it settles by its guess of
//! how many contacts the owner has, see `sql/001_schema.sql`.

/// By id, in the trash or not: what stands after FROM, `found` being those that are there, each once.
macro_rules! by_ids {
    ($ids:literal, $($columns:tt)+) => {
        concat!("(SELECT DISTINCT unnest(", $ids, "::bigint[]) AS id) AS asked, LATERAL (SELECT ",
            $($columns)+, " FROM contacts WHERE owner = $1 AND contacts.id = asked.id LIMIT 1) AS found")
    };
}
pub(crate) use by_ids;

/// The same by uid; not in the trash.
macro_rules! by_uids {
    ($uids:literal, $($columns:tt)+) => {
        concat!("(SELECT DISTINCT unnest(", $uids, "::text[]) AS uid) AS asked, LATERAL (SELECT ",
            $($columns)+, " FROM contacts WHERE owner = $1 AND deleted_at IS NULL
                AND contacts.uid = asked.uid LIMIT 1) AS found")
    };
}
pub(crate) use by_uids;

/// The same by the name that a CardDAV client gave.
macro_rules! by_names {
    ($names:literal, $($columns:tt)+) => {
        concat!("(SELECT DISTINCT unnest(", $names, "::bytea[]) AS name) AS asked, LATERAL (SELECT ",
            $($columns)+, " FROM contacts WHERE owner = $1 AND deleted_at IS NULL
                AND resource = asked.name LIMIT 1) AS found")
    };
}
pub(crate) use by_names;
