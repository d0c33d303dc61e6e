//! What an import asks of the contacts that are there. What it asks for each of its batches is planned anew: a plan
//! that was made while the table was small reads the whole book for each contact, and an import makes it large within
//! one transaction. What it reads of cards row by row ([`find_uids`], [`each_named`]) has a kept plan.

use super::rows::{STORED, stored, uid_of_name};
use crate::db::Conn;
use crate::error::Result;
use crate::model::contact::{Stored, resource_name};
use postgres::Row;
use postgres::types::{ToSql, Type};
use std::collections::HashMap;

/// How many bytes the cards have that [`find_uids`] would read, by uid.
pub fn sizes(db: &mut Conn, owner: i64, uids: &[String]) -> Result<HashMap<String, usize>> {
    const SQL: &str = concat!(
        "SELECT found.uid, found.bytes FROM ",
        super::look_ups::by_uids!("$2", "contacts.uid, octet_length(card) AS bytes")
    );
    let rows = db.query_planned_anew(SQL, &[(&owner, Type::INT8), (&uids, Type::TEXT_ARRAY)])?;
    let size = |row: &Row| usize::try_from(row.get::<_, i32>("bytes")).unwrap_or(usize::MAX);
    Ok(rows.iter().map(|row| (row.get("uid"), size(row))).collect())
}

/// What has these uids and is not in the trash, by uid.
pub fn find_uids(db: &mut Conn, owner: i64, uids: &[String]) -> Result<HashMap<String, Stored>> {
    const SQL: &str = concat!("SELECT found.* FROM ", super::look_ups::by_uids!("$2", STORED!()));
    let mut found = HashMap::new();
    db.each(SQL, &[&owner, &uids], |row| {
        let stored = stored(row);
        found.insert(stored.contact.uid.clone(), stored);
    })?;
    Ok(found)
}

/// Which of these uids are taken.
pub fn taken_uids(db: &mut Conn, owner: i64, uids: &[String]) -> Result<Vec<String>> {
    const SQL: &str =
        concat!("SELECT found.* FROM ", super::look_ups::by_uids!("$2", "contacts.uid"));
    let rows = db.query_planned_anew(SQL, &[(&owner, Type::INT8), (&uids, Type::TEXT_ARRAY)])?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Which of these names for CardDAV clients are taken, by whom they were given to or by a uid that they
/// follow from.
pub fn taken_names(db: &mut Conn, owner: i64, names: &[Vec<u8>]) -> Result<Vec<Vec<u8>>> {
    const SQL: &str = concat!(
        "SELECT found.resource, NULL AS uid FROM ",
        super::look_ups::by_names!("$2", "resource"),
        " UNION ALL SELECT NULL, found.uid FROM ",
        super::look_ups::by_uids!("$3", "contacts.uid, resource"),
        " WHERE found.resource IS NULL"
    );
    let uids: Vec<_> = names.iter().filter_map(|name| uid_of_name(name)).collect();
    let name = |row: &postgres::Row| match row.get::<_, Option<String>>("uid") {
        Some(uid) => resource_name(None, &uid),
        None => row.get("resource"),
    };
    let params: [(&(dyn ToSql + Sync), Type); 3] =
        [(&owner, Type::INT8), (&names, Type::BYTEA_ARRAY), (&uids, Type::TEXT_ARRAY)];
    Ok(db.query_planned_anew(SQL, &params)?.iter().map(name).collect())
}

/// The cards of the contacts that are sorted under one of these names and were there at a revision, one by
/// one: there may be many.
pub fn each_named(
    db: &mut Conn,
    owner: i64,
    at: i64,
    names: &[(String, String)],
    mut each: impl FnMut(&str),
) -> Result<()> {
    // OFFSET 0 has each name looked up by its index, as LIMIT does in `look_ups`.
    const SQL: &str = "SELECT card
        FROM unnest($2::text[], $3::text[]) AS name (first, more), LATERAL (
            SELECT card FROM contacts WHERE owner = $1 AND sort_name = name.first
                AND sort_more = name.more AND deleted_at IS NULL AND NOT is_group AND born <= $4
            OFFSET 0) AS found";
    let (first, more): (Vec<_>, Vec<_>) = names.iter().map(|(a, b)| (a, b)).unzip();
    db.each(SQL, &[&owner, &first, &more, &at], |row| each(row.get(0)))
}
