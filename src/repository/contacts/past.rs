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

/// The stretches of a book after `since` and before a revision, newest first; and where the next page
/// begins. Changes with one instant are of one transaction, and counted together before they are put in
/// order: an import is one of ten thousand. Groups are not counted, but a transaction may begin with one.
pub fn stretches(
    db: &mut Conn,
    owner: i64,
    since: DateTime<Utc>,
    before: i64,
) -> Result<(Vec<Stretch>, Option<i64>)> {
    const SQL: &str = "WITH states AS (
            SELECT history.revision, at, protocol, client, contact, in_trash,
                is_group IS TRUE AS is_group,
                lead(in_trash, 1, deleted_at IS NOT NULL)
                    OVER (PARTITION BY contact ORDER BY history.revision) AS then_in_trash
            FROM history LEFT JOIN contacts ON contacts.owner = $1 AND id = contact
            WHERE history.owner = $1 AND at > $2
        ), events AS (
            SELECT min(revision) AS revision, at, protocol, client,
                min(contact) FILTER (WHERE NOT is_group) AS first_contact,
                max(contact) FILTER (WHERE NOT is_group) AS last_contact,
                count(*) FILTER (WHERE NOT is_group) AS events,
                count(*) FILTER (WHERE NOT is_group AND in_trash AND NOT then_in_trash) AS made,
                count(*) FILTER (WHERE NOT is_group AND then_in_trash AND NOT in_trash) AS deleted
            FROM states WHERE revision < $3 GROUP BY at, protocol, client
            UNION ALL
            SELECT min(born), created_at, born_by, born_client,
                min(id) FILTER (WHERE NOT is_group), max(id) FILTER (WHERE NOT is_group),
                count(*) FILTER (WHERE NOT is_group), count(*) FILTER (WHERE NOT is_group), 0
            FROM contacts WHERE owner = $1 AND created_at > $2 AND born < $3
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
    let rows = db.query(SQL, &[&owner, &since, &before, &most])?;
    let mut stretches: Vec<_> = rows.iter().map(stretch).collect();
    let more = stretches.len() > PAGE;
    stretches.truncate(PAGE);
    Ok((stretches.clone(), stretches.last().map(|it| it.first).filter(|_| more)))
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
    let deleted = |row: &Row| Deleted {
        contact: from_row(row),
        at: row.get("deleted_at"),
        protocol: row.get::<_, Option<String>>("protocol").unwrap_or_default(),
        client: row.get::<_, Option<String>>("client").unwrap_or_default(),
    };
    Ok((rows.iter().map(deleted).collect(), trash::count(db, owner)?))
}
