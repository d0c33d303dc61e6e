//! Reads rows of `contacts`, one or many at once.

use crate::db::Conn;
use crate::error::Result;
use crate::model::contact::{Contact, Stored};
use postgres::Row;
use postgres::types::Type;

/// The columns of [`Stored`]; those of a contact come first, in the order of `from_row`.
macro_rules! STORED {
    () => {
        "id, uid, revision, members, photo_type, created_at, updated_at, deleted_at, resource, card, \
         is_group"
    };
}

pub(crate) use STORED;

pub(crate) fn stored(row: &Row) -> Stored {
    Stored {
        contact: super::from_row(row),
        resource: row.get("resource"),
        text: row.get("card"),
        is_group: row.get("is_group"),
    }
}

/// A contact with its card, in the trash or not; no group.
pub fn find_any(db: &mut Conn, owner: i64, id: i64) -> Result<Option<Stored>> {
    const SQL: &str = concat!(
        "SELECT ",
        STORED!(),
        " FROM contacts WHERE owner = $1 AND id = $2 AND NOT is_group"
    );
    Ok(db.query_opt(SQL, &[&owner, &id])?.as_ref().map(stored))
}

/// A contact with its card that is not in the trash.
pub fn find(db: &mut Conn, owner: i64, id: i64) -> Result<Option<Stored>> {
    Ok(find_any(db, owner, id)?.filter(|it| it.contact.deleted_at.is_none()))
}

/// A contact without its card that is not in the trash.
pub fn find_shown(db: &mut Conn, owner: i64, id: i64) -> Result<Option<Contact>> {
    const SQL: &str =
        "SELECT id, uid, revision, members, photo_type, created_at, updated_at, deleted_at
        FROM contacts WHERE owner = $1 AND id = $2 AND deleted_at IS NULL AND NOT is_group";
    Ok(db.query_opt(SQL, &[&owner, &id])?.as_ref().map(super::from_row))
}

/// Those of these contacts that are not in the trash.
pub fn shown(db: &mut Conn, owner: i64, ids: &[i64]) -> Result<Vec<Contact>> {
    const SQL: &str = concat!(
        "SELECT found.* FROM ",
        super::look_ups::by_ids!("$2", super::columns!(), ", is_group"),
        " WHERE deleted_at IS NULL AND NOT is_group"
    );
    Ok(by_ids(db, SQL, owner, ids)?.iter().map(super::from_row).collect())
}

/// What a statement with `look_ups::by_ids` finds. It is planned anew: by a plan that was made while the table was
/// small Postgres would read the book for each id.
pub fn by_ids(db: &mut Conn, sql: &str, owner: i64, ids: &[i64]) -> Result<Vec<Row>> {
    db.query_planned_anew(sql, &[(&owner, Type::INT8), (&ids, Type::INT8_ARRAY)])
}

/// The members of a contact, for a list that left them out because they are long.
pub fn members(db: &mut Conn, owner: i64, id: i64) -> Result<Option<String>> {
    const SQL: &str = "SELECT members FROM contacts WHERE owner = $1 AND id = $2";
    Ok(db.query_opt(SQL, &[&owner, &id])?.map(|row| row.get(0)))
}

/// What CardDAV clients know by a name, a contact or a group.
pub fn find_named(db: &mut Conn, owner: i64, name: &[u8]) -> Result<Option<Stored>> {
    const SQL: &str = concat!(
        "SELECT ",
        STORED!(),
        " FROM contacts WHERE owner = $1 AND deleted_at IS NULL AND resource = $2
        UNION ALL SELECT ",
        STORED!(),
        " FROM contacts WHERE owner = $1 AND deleted_at IS NULL AND resource IS NULL AND uid = $3"
    );
    // No uid has a NUL, so this one names nothing.
    let uid = uid_of_name(name).unwrap_or("");
    Ok(db.query_opt(SQL, &[&owner, &name, &uid])?.as_ref().map(stored))
}

/// The uid of a contact that has this name without ever having been given one.
pub fn uid_of_name(name: &[u8]) -> Option<&str> {
    std::str::from_utf8(name).ok()?.strip_suffix(".vcf").filter(|uid| !uid.contains('\0'))
}

/// What is stored of a name: nothing where it follows from the uid, as the column has that.
pub fn name_to_keep(name: &[u8], uid: &str) -> Option<Vec<u8>> {
    (uid_of_name(name) != Some(uid)).then(|| name.to_vec())
}

/// What has a uid, a contact or a group, but is not in the trash.
pub fn find_uid(db: &mut Conn, owner: i64, uid: &str) -> Result<Option<Stored>> {
    const SQL: &str = concat!(
        "SELECT ",
        STORED!(),
        " FROM contacts WHERE owner = $1 AND uid = $2 AND deleted_at IS NULL"
    );
    Ok(db.query_opt(SQL, &[&owner, &uid])?.as_ref().map(stored))
}

/// Contacts that are read or changed one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Those that are not in the trash.
    Live,
    /// Of those the ones with this label (`columns::label_key`).
    Labelled(String),
    /// Those in the trash.
    Trash,
    /// Those with these ids, in the trash or not; groups too.
    Ids(Vec<i64>),
    /// Contacts with these uids that are not in the trash.
    Uids(Vec<String>),
    /// Apple's cards of groups that are not in the trash.
    Groups,
}

/// Most ids that a page looks up; as many rows as it may have.
const PAGE: usize = 500;

/// The first contacts whose id is greater than `after`, in the order of ids. A page has at most 500
/// rows and about 250 kB, so that a client that reads slowly costs little memory; only the last one is
/// empty. Sizes are known without reading what is large (TOAST).
pub fn page(db: &mut Conn, owner: i64, part: &Part, after: i64) -> Result<Vec<Stored>> {
    if let Part::Ids(ids) = part
        && ids.len() > PAGE
    {
        return page_of_many(db, owner, ids, after);
    }
    macro_rules! page {
        ($($from:tt)+) => {
            concat!(
                "SELECT ",
                STORED!(),
                " FROM (
                    SELECT *, sum(octet_length(card)) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) AS bytes,
                        row_number() OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) AS at
                    FROM ",
                $($from)+,
                " ORDER BY id LIMIT 500
                ) AS page WHERE at = 1 OR bytes <= 250000 ORDER BY id"
            )
        };
    }
    macro_rules! of_book {
        ($($which:tt)+) => {
            page!("contacts WHERE owner = $1 AND id > $2 AND ", $($which)+)
        };
    }
    const LIVE: &str = of_book!(super::live_by_id!());
    const LABELLED: &str = of_book!(
        super::live_by_id!(),
        " AND strpos(coalesce(label_keys, split_part(long_text, E'\\x1d', 3)), $3) > 0"
    );
    const TRASH: &str = of_book!("deleted_at IS NOT NULL AND NOT is_group");
    const GROUPS: &str = of_book!("deleted_at IS NULL AND is_group");
    const IDS: &str = page!(
        "(SELECT found.* FROM ",
        super::look_ups::by_ids!("$3", STORED!()),
        ") AS found WHERE id > $2"
    );
    const UIDS: &str = page!(
        "(SELECT found.* FROM ",
        super::look_ups::by_uids!("$3", STORED!()),
        ") AS found WHERE id > $2 AND NOT is_group"
    );
    let mut params = vec![(&owner as _, Type::INT8), (&after as _, Type::INT8)];
    let sql = match part {
        Part::Live => LIVE,
        Part::Labelled(key) => {
            params.push((key as _, Type::TEXT));
            LABELLED
        }
        Part::Trash => TRASH,
        Part::Ids(ids) => {
            params.push((ids as _, Type::INT8_ARRAY));
            IDS
        }
        Part::Uids(uids) => {
            params.push((uids as _, Type::TEXT_ARRAY));
            UIDS
        }
        Part::Groups => GROUPS,
    };
    // Planned for these parameters: a plan for any would reckon with a few ids, or with a small part of the book,
    // and read and sort all that there is for each page.
    Ok(db.query_planned_anew(sql, &params)?.iter().map(stored).collect())
}

/// A page of very many ids: each is looked up for its own page, and not for every page before.
fn page_of_many(db: &mut Conn, owner: i64, ids: &[i64], after: i64) -> Result<Vec<Stored>> {
    let mut ids: Vec<i64> = ids.iter().copied().filter(|id| *id > after).collect();
    ids.sort_unstable();
    for some in ids.chunks(PAGE) {
        let page = page(db, owner, &Part::Ids(some.to_vec()), after)?;
        if !page.is_empty() {
            return Ok(page);
        }
    }
    Ok(Vec::new())
}

/// Those with these ids, which are few, by id.
pub fn all(db: &mut Conn, owner: i64, ids: &[i64]) -> Result<Vec<Stored>> {
    const SQL: &str =
        concat!("SELECT found.* FROM ", super::look_ups::by_ids!("$2", STORED!()), " ORDER BY id");
    Ok(by_ids(db, SQL, owner, ids)?.iter().map(stored).collect())
}

/// The uids of those with these ids, in the trash or not.
pub fn uids(db: &mut Conn, owner: i64, ids: &[i64]) -> Result<Vec<String>> {
    const SQL: &str = concat!("SELECT found.uid FROM ", super::look_ups::by_ids!("$2", "uid"));
    Ok(by_ids(db, SQL, owner, ids)?.iter().map(|row| row.get(0)).collect())
}

/// Which of these uids contacts have that have a label.
pub fn uids_labelled(db: &mut Conn, owner: i64, key: &str, uids: &[String]) -> Result<Vec<String>> {
    const SQL: &str = concat!(
        "SELECT found.uid FROM ",
        super::look_ups::by_uids!("$3", "id, uid, label_keys, long_text, is_group"),
        " WHERE NOT is_group
            AND strpos(coalesce(label_keys, split_part(long_text, E'\\x1d', 3)), $2) > 0 ORDER BY id"
    );
    Ok(db.query(SQL, &[&owner, &key, &uids])?.iter().map(|row| row.get(0)).collect())
}

/// Contacts and groups in the trash with these uids, unless a group that is not in it has the uid.
pub fn trashed(db: &mut Conn, owner: i64, uids: &[String]) -> Result<Vec<i64>> {
    // No index has uids of the trash: one pass, with the uids in a hash table. Postgres makes one of a subquery, not
    // of an array, whose length it does not know when it plans.
    const SQL: &str = "SELECT id FROM contacts
        WHERE owner = $1 AND deleted_at IS NOT NULL AND (uid IN (SELECT unnest($2::text[]))) IS TRUE
            AND NOT EXISTS (SELECT FROM contacts AS there WHERE there.owner = $1
                AND there.uid = contacts.uid AND there.deleted_at IS NULL AND there.is_group)";
    Ok(db.query(SQL, &[&owner, &uids])?.iter().map(|row| row.get(0)).collect())
}

/// Bytes of the cards of groups that are not in the trash.
pub fn group_bytes(db: &mut Conn, owner: i64) -> Result<i64> {
    const SQL: &str = "SELECT coalesce(sum(octet_length(card)), 0)::bigint FROM contacts
        WHERE owner = $1 AND deleted_at IS NULL AND is_group";
    Ok(db.query_one(SQL, &[&owner])?.get(0))
}

/// Rows after this id, with the ids and cards that a function made columns of which is older.
pub fn made_before(
    db: &mut Conn,
    owner: i64,
    version: i16,
    after: i64,
) -> Result<Vec<(i64, String)>> {
    const SQL: &str = "SELECT id, card FROM contacts
        WHERE owner = $1 AND id > $3 AND made_by < $2 ORDER BY id LIMIT 100";
    let rows = db.query(SQL, &[&owner, &version, &after])?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}
