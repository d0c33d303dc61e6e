//! Parts of statements that find many contacts, each by its index: the first one from what is asked on, in the
//! order of that index, which is the one that is asked for or none is. `id = ANY` or `id = asked.id` say the same
//! more plainly. But while Postgres believes that the book has one contact, which it does of a book that is younger
//! than its statistics, any index of the owner seems as good to it, and it reads the whole book for each contact.
//! An order leaves it no such choice. Statements for one contact are left plain: of
//! them only the first five on a connection are planned so.

/// By id, in the trash or not: what stands after FROM, `found` being those that are there, each once. The columns
/// must have the id.
macro_rules! by_ids {
    ($ids:literal, $($columns:tt)+) => {
        concat!("(SELECT DISTINCT unnest(", $ids, "::bigint[]) AS id) AS asked JOIN LATERAL (SELECT ",
            $($columns)+, " FROM contacts WHERE owner = $1 AND contacts.id >= asked.id
                ORDER BY contacts.id LIMIT 1) AS found ON found.id = asked.id")
    };
}
pub(crate) use by_ids;

/// The same by uid; not in the trash. The columns must have the uid.
macro_rules! by_uids {
    ($uids:literal, $($columns:tt)+) => {
        concat!("(SELECT DISTINCT unnest(", $uids, "::text[]) AS uid) AS asked JOIN LATERAL (SELECT ",
            $($columns)+, " FROM contacts WHERE owner = $1 AND deleted_at IS NULL AND contacts.uid >= asked.uid
                ORDER BY contacts.uid LIMIT 1) AS found ON found.uid = asked.uid")
    };
}
pub(crate) use by_uids;

/// The same by the name that a CardDAV client gave. The columns must have the resource.
macro_rules! by_names {
    ($names:literal, $($columns:tt)+) => {
        concat!("(SELECT DISTINCT unnest(", $names, "::bytea[]) AS name) AS asked JOIN LATERAL (SELECT ",
            $($columns)+, " FROM contacts WHERE owner = $1 AND deleted_at IS NULL AND resource >= asked.name
                ORDER BY resource LIMIT 1) AS found ON found.resource = asked.name")
    };
}
pub(crate) use by_names;
