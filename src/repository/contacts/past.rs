//! What pages show of the past: stretches of changes that belong together, and the trash with who
//! filled it.

use super::{columns, from_row, trash};
use crate::db::Conn;
use crate::error::Result;
use crate::model::contact::Contact;
use crate::repository::Slice;
use chrono::{DateTime, Utc};
use postgres::Row;

/// Changes by one program, none more than an hour after the one before.
#[derive(Debug, Clone, PartialEq)]
pub struct Stretch {
    /// Its first revision.
    pub first: i64,
    /// When its last change was.
    pub at: DateTime<Utc>,
    /// `rest`, `carddav`, …
    pub protocol: String,
    /// The app password's name, or the User-Agent.
    pub client: String,
    /// Contacts made, or taken out of the trash.
    pub made: i64,
    /// Contacts changed.
    pub changed: i64,
    /// Contacts deleted.
    pub deleted: i64,
    /// The first of its contacts, by id.
    pub contact: Option<(i64, String)>,
    /// It is of more than one.
    pub several: bool,
    /// That contact is not in the trash.
    pub is_there: bool,
}

/// Stretches on a page.
const PAGE: usize = 30;

/// The revision after which a page begins that ends before another: it has 20,000 changes, and what else is of the
/// same transaction as the first of them. None: there is no other page. A book may have a million changes.
fn page_begins(
    db: &mut Conn,
    owner: i64,
    since: DateTime<Utc>,
    before: i64,
) -> Result<Option<i64>> {
    const SQL: &str = "SELECT (SELECT revision FROM history
                WHERE owner = $1 AND revision < page.revision AND at < page.at
                ORDER BY revision DESC LIMIT 1)
        FROM (SELECT revision, at FROM history WHERE owner = $1 AND at > $2 AND revision < $3
            ORDER BY revision DESC OFFSET 20000 LIMIT 1) AS page";
    Ok(db.query_opt(SQL, &[&owner, &since, &before])?.and_then(|row| row.get(0)))
}

/// The stretches of a book after `since` and before a revision, newest first; and where the next page
/// begins, on which the last stretch may go on. Changes with one instant are of one transaction, and counted together
/// before they are put in order: an import is one of ten thousand. Groups are not counted, but a transaction may
/// begin with one.
pub fn stretches(
    db: &mut Conn,
    owner: i64,
    since: DateTime<Utc>,
    before: i64,
) -> Result<(Vec<Stretch>, Option<i64>)> {
    const SQL: &str = "WITH states AS (
            SELECT history.revision, at, protocol, client, contact, in_trash,
                is_group IS TRUE AS is_group,
                coalesce((SELECT in_trash FROM history AS next
                    WHERE owner = $1 AND contact = history.contact AND revision > history.revision
                    ORDER BY revision LIMIT 1), deleted_at IS NOT NULL) AS then_in_trash
            FROM history LEFT JOIN contacts ON contacts.owner = $1 AND id = contact
            WHERE history.owner = $1 AND at > $2 AND history.revision > $5 AND history.revision < $3
        ), events AS (
            SELECT min(revision) AS revision, at, protocol, client,
                min(contact) FILTER (WHERE NOT is_group) AS first_contact,
                max(contact) FILTER (WHERE NOT is_group) AS last_contact,
                count(*) FILTER (WHERE NOT is_group) AS events,
                count(*) FILTER (WHERE NOT is_group AND in_trash AND NOT then_in_trash) AS made,
                count(*) FILTER (WHERE NOT is_group AND then_in_trash AND NOT in_trash) AS deleted
            FROM states GROUP BY at, protocol, client
            UNION ALL
            SELECT min(born), created_at, born_by, born_client,
                min(id) FILTER (WHERE NOT is_group), max(id) FILTER (WHERE NOT is_group),
                count(*) FILTER (WHERE NOT is_group), count(*) FILTER (WHERE NOT is_group), 0
            FROM contacts
            WHERE owner = $1 AND revision > $5 AND created_at > $2 AND born > $5 AND born < $3
            GROUP BY created_at, born_by, born_client
        ), marked AS (
            SELECT *, protocol IS DISTINCT FROM lag(protocol) OVER newest
                OR client IS DISTINCT FROM lag(client) OVER newest
                OR lag(at) OVER newest - at > interval '1 hour' AS begins
            FROM events WINDOW newest AS (ORDER BY revision DESC)
        ), numbered AS (
            SELECT *, count(*) FILTER (WHERE begins) OVER (ORDER BY revision DESC) AS stretch FROM marked
        ), stretches AS (
            SELECT min(revision) AS first, max(at) AS at, min(protocol) AS protocol,
                min(client) AS client, sum(made)::bigint AS made, sum(deleted)::bigint AS deleted,
                sum(events - made - deleted)::bigint AS changed,
                min(first_contact) AS contact, min(first_contact) < max(last_contact) AS several
            FROM numbered GROUP BY stretch HAVING sum(events) > 0 ORDER BY first DESC LIMIT $4
        )
        SELECT stretches.*, members, deleted_at IS NULL AS is_there FROM stretches
            LEFT JOIN contacts ON owner = $1 AND id = contact
        ORDER BY first DESC";
    let most = i64::try_from(PAGE + 1).unwrap_or(i64::MAX);
    let begins = page_begins(db, owner, since, before)?;
    let rows = db.query(SQL, &[&owner, &since, &before, &most, &begins.unwrap_or(0)])?;
    let mut stretches: Vec<_> = rows.iter().map(stretch).collect();
    let next = match stretches.get(PAGE - 1) {
        Some(last) if stretches.len() > PAGE => Some(last.first),
        _ => begins.map(|begins| begins + 1),
    };
    stretches.truncate(PAGE);
    Ok((stretches, next))
}

fn stretch(row: &Row) -> Stretch {
    let members: Option<String> = row.get("members");
    // The first line of the members is the name, as JSON.
    let name = members.and_then(|it| serde_json::from_str(it.lines().next()?).ok());
    Stretch {
        first: row.get("first"),
        at: row.get("at"),
        protocol: row.get("protocol"),
        client: row.get("client"),
        made: row.get("made"),
        changed: row.get("changed"),
        deleted: row.get("deleted"),
        contact: row.get::<_, Option<i64>>("contact").zip(name),
        several: row.get("several"),
        is_there: row.get("is_there"),
    }
}

/// A contact in the trash, and what put it there.
#[derive(Debug, Clone, PartialEq)]
pub struct Deleted {
    /// The contact.
    pub contact: Contact,
    /// When.
    pub at: DateTime<Utc>,
    /// `rest`, `carddav`, …
    pub protocol: String,
    /// The app password's name, or the User-Agent.
    pub client: String,
}

/// The trash, newest first, and how many are in it.
pub fn trash(db: &mut Conn, owner: i64, slice: Slice) -> Result<(Vec<Deleted>, i64)> {
    const PAGE: &str = concat!(
        "WITH page AS (
            SELECT ",
        columns!(),
        " FROM contacts
            WHERE owner = $1 AND deleted_at IS NOT NULL AND NOT is_group
            ORDER BY deleted_at DESC, id DESC LIMIT $2 OFFSET $3
        )
        SELECT page.*, protocol, client FROM page LEFT JOIN history
            ON owner = $1 AND history.revision = page.revision
        ORDER BY deleted_at DESC, id DESC"
    );
    let rows = db.query(PAGE, &[&owner, &slice.limit, &slice.skip])?;
    // History goes before its time where the book is full.
    let deleted = |row: &Row| Deleted {
        contact: from_row(row),
        at: row.get("deleted_at"),
        protocol: row.get::<_, Option<String>>("protocol").unwrap_or_default(),
        client: row.get::<_, Option<String>>("client").unwrap_or_default(),
    };
    Ok((rows.iter().map(deleted).collect(), trash::count(db, owner)?))
}
