//! Contacts as CardDAV sees them: cards with names. Here they are only read; whatever changes one
//! goes through `service`.

use crate::db::Conn;
use crate::error::Result;
use crate::model::{contact, resource_name};
use crate::repository::contacts::rows::uid_of_name;
use chrono::{DateTime, Utc};
use postgres::Row;
use postgres::types::Type;
use std::collections::HashSet;

/// A card that is not in the trash; its text comes beside it, where it is wanted.
#[derive(Debug, Clone)]
pub struct Resource {
    /// The contact's id.
    pub id: i64,
    /// Its name, as it stands in hrefs.
    pub name: String,
    /// Of its last change; its ETag.
    pub revision: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
    /// Octets of its text.
    pub octets: i64,
}

/// What changed under a name.
#[derive(Debug)]
pub struct Change {
    /// The revision of the change.
    pub revision: i64,
    /// As it stands in hrefs.
    pub name: String,
    /// The card that has the name; none: no card has it any more.
    pub card: Option<Resource>,
}

macro_rules! columns {
    () => {
        "id, resource, uid, revision, created_at, updated_at, octet_length(card) AS octets"
    };
}

fn from_row(row: &Row) -> Resource {
    Resource {
        id: row.get("id"),
        name: name(row),
        revision: row.get("revision"),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
        octets: row.get::<_, i32>("octets").into(),
    }
}

fn name(row: &Row) -> String {
    resource_name::encoded(&contact::resource_name(row.get("resource"), row.get("uid")))
}

/// Octets of text that are read at once, beside the last card.
const BUDGET: i64 = 1_000_000;

/// The first cards whose id is greater than `after`, in the order of ids, without their text. At
/// most 1,000; only the last page is empty.
pub fn page(db: &mut Conn, owner: i64, after: i64) -> Result<Vec<Resource>> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM contacts WHERE owner = $1 AND id > $2 AND deleted_at IS NULL
        ORDER BY id LIMIT 1000"
    );
    let rows = db.query_planned_anew(SQL, &[(&owner, Type::INT8), (&after, Type::INT8)])?;
    Ok(rows.iter().map(from_row).collect())
}

/// Like [`page`], with their text: at most 200 cards, and about a megabyte of them.
pub fn page_with_text(db: &mut Conn, owner: i64, after: i64) -> Result<Vec<(Resource, String)>> {
    const SQL: &str = concat!(
        "SELECT * FROM (
            SELECT ",
        columns!(),
        ", card, sum(octet_length(card)) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) AS total
            FROM contacts WHERE owner = $1 AND id > $2 AND deleted_at IS NULL ORDER BY id LIMIT 200
        ) AS page WHERE total - octets < $3 ORDER BY id"
    );
    let rows = db.query_planned_anew(
        SQL,
        &[(&owner, Type::INT8), (&after, Type::INT8), (&BUDGET, Type::INT8)],
    )?;
    Ok(rows.iter().map(|row| (from_row(row), row.get("card"))).collect())
}

/// Looks at the cards of these names, in no order, with their text: about a megabyte of them; the
/// others come without it.
pub fn each_named(
    db: &mut Conn,
    owner: i64,
    names: &[String],
    look: impl FnMut(&Resource, Option<&str>),
) -> Result<()> {
    each_within(db, owner, names, BUDGET, look)
}

/// Like [`each_named`], with about so many octets of text.
fn each_within(
    db: &mut Conn,
    owner: i64,
    names: &[String],
    budget: i64,
    mut look: impl FnMut(&Resource, Option<&str>),
) -> Result<()> {
    // A card that was never given a name is called after its UID.
    const SQL: &str = concat!(
        "SELECT id, resource, uid, revision, created_at, updated_at, octets,
            CASE WHEN sum(octets) OVER (ROWS UNBOUNDED PRECEDING) - octets < $4 THEN card END AS text
        FROM (SELECT found.* FROM ",
        super::look_ups::by_names!("$2", columns!(), ", card"),
        " UNION ALL SELECT found.* FROM ",
        super::look_ups::by_uids!("$3", columns!(), ", card"),
        " WHERE found.resource IS NULL) AS found"
    );
    let names: Vec<Vec<u8>> = names.iter().map(|name| resource_name::octets(name)).collect();
    let uids: Vec<_> = names.iter().filter_map(|name| uid_of_name(name)).collect();
    db.each(SQL, &[&owner, &names, &uids, &budget], |row| look(&from_row(row), row.get("text")))
}

/// The card of this name, and its text.
pub fn find(db: &mut Conn, owner: i64, name: &str) -> Result<Option<(Resource, String)>> {
    let mut found = None;
    each_named(db, owner, &[name.to_owned()], |card, text| {
        found = text.map(|text| (card.clone(), text.to_owned()));
    })?;
    Ok(found)
}

/// The revision of the card of this name.
pub fn revision(db: &mut Conn, owner: i64, name: &str) -> Result<Option<i64>> {
    let mut found = None;
    each_within(db, owner, &[name.to_owned()], 0, |card, _| found = Some(card.revision))?;
    Ok(found)
}

/// What changed under each name after one revision and up to another, oldest first: at most `limit`
/// changes, and the revision to go on after; none at the end. A name that another card has now has
/// changed and is not gone; one that several cards left is reported once, at the last of them. What is gone
/// is reported only if it went after `removed_after` too.
pub fn changes(
    db: &mut Conn,
    owner: i64,
    (after, removed_after, until): (i64, i64, i64),
    limit: i64,
) -> Result<(Vec<Change>, Option<i64>)> {
    const SQL: &str = concat!(
        "WITH gone AS (
            SELECT revision, resource, uid FROM contacts
            WHERE owner = $1 AND revision > greatest($2, $4) AND revision <= $3
                AND deleted_at IS NOT NULL
            UNION ALL SELECT revision, resource, '' FROM former_names
            WHERE owner = $1 AND revision > greatest($2, $4) AND revision <= $3
        )
        (SELECT true AS live, ",
        columns!(),
        " FROM contacts
            WHERE owner = $1 AND revision > $2 AND revision <= $3 AND deleted_at IS NULL
            ORDER BY revision LIMIT $5)
        UNION ALL
        (SELECT false, 0, coalesce(resource, convert_to(uid || '.vcf', 'UTF8')) AS name, '',
                max(revision), to_timestamp(0), to_timestamp(0), 0
            FROM gone GROUP BY name ORDER BY max(revision) LIMIT $5)
        ORDER BY revision LIMIT $5"
    );
    let rows = db.query_planned_anew(
        SQL,
        &[
            (&owner, Type::INT8),
            (&after, Type::INT8),
            (&until, Type::INT8),
            (&removed_after, Type::INT8),
            (&limit, Type::INT8),
        ],
    )?;
    let change = |row: &Row| Change {
        revision: row.get("revision"),
        name: name(row),
        card: row.get::<_, bool>("live").then(|| from_row(row)),
    };
    let mut changes: Vec<_> = rows.iter().map(change).collect();
    let last = changes.last().map(|change| change.revision);
    let more = last.filter(|_| usize::try_from(limit) == Ok(changes.len()));
    let gone = changes.iter().filter(|change| change.card.is_none());
    let gone: Vec<String> = gone.map(|change| change.name.clone()).collect();
    if !gone.is_empty() {
        let mut reused = HashSet::new();
        each_within(db, owner, &gone, 0, |card, _| reused.extend([card.name.clone()]))?;
        changes.retain(|change| change.card.is_some() || !reused.contains(&change.name));
    }
    Ok((changes, more))
}
