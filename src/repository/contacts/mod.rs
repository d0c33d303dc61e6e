//! The tables `contacts`, `history`, `former_names`, `dismissals` and `address_books`. Every statement has the owner
//! in its WHERE: no other owner's contact can be reached, whatever id a client sends.
//!
//! A contact changes through `service::writer` only, because whatever changes one also takes a revision,
//! keeps history and counts bytes. `service::upkeep` deletes what is old, and makes columns anew.

pub mod birthdays;
pub mod books;
pub mod changes;
pub mod duplicates;
pub mod filter;
pub mod found;
pub mod history;
pub mod imports;
pub mod labels;
pub mod lists;
mod look_ups;
pub mod past;
pub mod resources;
pub mod rows;
pub mod trash;
pub mod writes;

use crate::model::contact::Contact;
use postgres::Row;

/// The columns of a contact as lists show it, in the order of [`from_row`]. Members that are long (a note of
/// a megabyte) are not read with others, so that a page of them takes little memory.
macro_rules! columns {
    () => {
        "id, uid, revision, CASE WHEN octet_length(members) <= 16384 THEN members END AS members, \
         photo_type, created_at, updated_at, deleted_at"
    };
}
pub(crate) use columns;

/// Shown in lists: not in the trash and no group. Partial indexes have this condition.
macro_rules! live {
    () => {
        "owner = $1 AND deleted_at IS NULL AND NOT is_group"
    };
}
pub(crate) use live;

/// Not in the trash and no group, for what pages through a book by id. Postgres does not see that the
/// partial indexes would do: of a book that it takes for small it took one of them for as good as the primary
/// key, and read and sorted the whole book for each page.
macro_rules! live_by_id {
    () => {
        "CASE WHEN deleted_at IS NULL THEN NOT is_group END"
    };
}
pub(crate) use live_by_id;

/// Bytes of a row of history, as the quota counts them: its card, and about what the row, its other texts
/// and its places in two indexes take. So a book of tiny contacts that change all day stays within it too.
macro_rules! history_bytes {
    () => {
        "octet_length(card) + octet_length(client) + 200"
    };
}
pub(crate) use history_bytes;

/// A contact of a row that begins with its columns. By their places: to look for their names took half
/// the time of reading a row.
pub(crate) fn from_row(row: &Row) -> Contact {
    Contact {
        id: row.get(0),
        uid: row.get(1),
        revision: row.get(2),
        members: row.get(3),
        photo_type: row.get(4),
        created_at: row.get(5),
        updated_at: row.get(6),
        deleted_at: row.get(7),
    }
}
