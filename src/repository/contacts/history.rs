//! The table `history`: what contacts were before each change.

use super::books::Book;
use crate::db::{Conn, Tx};
use crate::error::Result;
use chrono::{DateTime, Utc};
use serde::Serialize;

/// A change of a contact.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Which it was.
    pub revision: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// `rest`, `carddav`, …
    pub protocol: String,
    /// The app password's name, or the User-Agent.
    pub client: String,
    /// What the contact was before it; none: it was made by this change.
    pub before: Option<Before>,
}

/// What a contact was.
#[derive(Debug, Clone, PartialEq)]
pub struct Before {
    /// Its card.
    pub card: String,
    /// Since when it was so.
    pub since: DateTime<Utc>,
    /// It lay in the trash.
    pub in_trash: bool,
}

/// The changes of a contact after `since`, before the revision `until`, newest first and a few at a
/// time; the making of it not among them.
pub fn of_contact(
    db: &mut Conn,
    owner: i64,
    id: i64,
    since: DateTime<Utc>,
    until: i64,
) -> Result<Vec<Change>> {
    const SQL: &str = "SELECT revision, at, protocol, client, card, since, in_trash
        FROM (
            SELECT *, sum(octet_length(card)) OVER (ORDER BY revision DESC) AS bytes,
                row_number() OVER (ORDER BY revision DESC) AS number
            FROM (
                SELECT * FROM history WHERE owner = $1 AND contact = $2 AND revision < $4 AND at > $3
                ORDER BY revision DESC LIMIT 100
            ) AS page
        ) AS numbered WHERE number = 1 OR bytes <= 1000000 ORDER BY revision DESC";
    let rows = db.query(SQL, &[&owner, &id, &since, &until])?;
    let change = |row: &postgres::Row| Change {
        revision: row.get("revision"),
        at: row.get("at"),
        protocol: row.get("protocol"),
        client: row.get("client"),
        before: Some(Before {
            card: row.get("card"),
            since: row.get("since"),
            in_trash: row.get("in_trash"),
        }),
    };
    Ok(rows.iter().map(change).collect())
}

/// A change as the account's export shows it.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "each is the column of its name")]
pub struct Kept {
    pub revision: i64,
    pub contact_id: i64,
    pub at: DateTime<Utc>,
    pub by: String,
    pub client: String,
    pub vcard: String,
}

/// The history of a whole book after this revision, a few changes at a time and at most about a
/// megabyte.
pub fn of_book(db: &mut Conn, owner: i64, after: i64) -> Result<Vec<Kept>> {
    const SQL: &str = "SELECT revision, contact, at, protocol, client, card
        FROM (
            SELECT *, sum(octet_length(card)) OVER (ORDER BY revision) AS bytes,
                row_number() OVER (ORDER BY revision) AS number
            FROM (
                SELECT * FROM history WHERE owner = $1 AND revision > $2 ORDER BY revision LIMIT 500
            ) AS page
        ) AS numbered WHERE number = 1 OR bytes <= 1000000 ORDER BY revision";
    let rows = db.query(SQL, &[&owner, &after])?;
    let kept = |row: &postgres::Row| Kept {
        revision: row.get("revision"),
        contact_id: row.get("contact"),
        at: row.get("at"),
        by: row.get("protocol"),
        client: row.get("client"),
        vcard: row.get("card"),
    };
    Ok(rows.iter().map(kept).collect())
}

/// How a contact was made.
pub fn birth(db: &mut Conn, owner: i64, id: i64) -> Result<Option<Change>> {
    const SQL: &str = "SELECT born, created_at, born_by, born_client FROM contacts
        WHERE owner = $1 AND id = $2 AND NOT is_group";
    let row = db.query_opt(SQL, &[&owner, &id])?;
    Ok(row.map(|row| Change {
        revision: row.get("born"),
        at: row.get("created_at"),
        protocol: row.get("born_by"),
        client: row.get("born_client"),
        before: None,
    }))
}

/// The card that a contact had before this change of it.
pub fn find(db: &mut Conn, owner: i64, id: i64, revision: i64) -> Result<Option<String>> {
    const SQL: &str =
        "SELECT card FROM history WHERE owner = $1 AND contact = $2 AND revision = $3";
    Ok(db.query_opt(SQL, &[&owner, &id, &revision])?.map(|row| row.get(0)))
}

/// The last revision at this instant: the one before the first change after it.
pub fn revision_at(db: &mut Conn, book: &Book, at: DateTime<Utc>) -> Result<i64> {
    const SQL: &str = "SELECT least(
        (SELECT min(revision) FROM history WHERE owner = $1 AND at > $2),
        (SELECT min(born) FROM contacts WHERE owner = $1 AND created_at > $2))";
    let first: Option<i64> = db.query_one(SQL, &[&book.owner, &at])?.get(0);
    Ok(first.map_or(book.revision, |first| first - 1))
}

/// What a contact was at a revision, and what it is.
#[derive(Debug)]
pub struct Then {
    /// Which contact.
    pub id: i64,
    /// Its card then.
    pub card: String,
    /// It lay in the trash then.
    pub in_trash: bool,
    /// Its card now.
    pub card_now: String,
    /// It lies in the trash now.
    pub in_trash_now: bool,
    /// It was not there then: it was made and changed since.
    pub is_new: bool,
}

/// Contacts after this id that have changed since revision `then`, up to revision `now`: a few at a time, and at most about a megabyte. Ids after the last one are still to come.
pub fn changed_since(
    db: &mut Conn,
    owner: i64,
    (then, now): (i64, i64),
    after: i64,
) -> Result<Vec<Then>> {
    // Each step fetches the rows of the one before by their keys, whatever Postgres believes of the
    // number of rows (of a book that was just imported it believes that there is one): LIMIT 1 keeps
    // it from joining another way, and a sum is in no index.
    const SQL: &str = "WITH first AS (
            SELECT DISTINCT ON (contact) contact, revision FROM history
            WHERE owner = $1 AND contact > $4 AND revision + 0 > $2 AND revision + 0 <= $3
            ORDER BY contact, revision LIMIT 500
        ), page AS (
            SELECT contact, revision,
                sum(was.bytes + now.bytes) OVER (ORDER BY contact) AS bytes,
                row_number() OVER (ORDER BY contact) AS number
            FROM first
            CROSS JOIN LATERAL (SELECT octet_length(card) AS bytes FROM history
                WHERE owner = $1 AND history.revision = first.revision LIMIT 1) AS was
            CROSS JOIN LATERAL (SELECT octet_length(card) AS bytes FROM contacts
                WHERE owner = $1 AND id = first.contact LIMIT 1) AS now
        )
        SELECT contact AS id, was.card, in_trash, now.card AS card_now, in_trash_now, born > $2 AS is_new
        FROM page
        CROSS JOIN LATERAL (SELECT card, in_trash FROM history
            WHERE owner = $1 AND history.revision = page.revision LIMIT 1) AS was
        CROSS JOIN LATERAL (SELECT card, deleted_at IS NOT NULL AS in_trash_now, born FROM contacts
            WHERE owner = $1 AND id = page.contact LIMIT 1) AS now
        WHERE number = 1 OR bytes <= 1000000 ORDER BY contact";
    let rows = db.query(SQL, &[&owner, &then, &now, &after])?;
    let contact = |row: &postgres::Row| Then {
        id: row.get("id"),
        card: row.get("card"),
        in_trash: row.get("in_trash"),
        card_now: row.get("card_now"),
        in_trash_now: row.get("in_trash_now"),
        is_new: row.get("is_new"),
    };
    Ok(rows.iter().map(contact).collect())
}

/// Contacts that were made after revision `then`, changed last after `after` and up to `now`, and are not
/// in the trash: the revisions of their last changes and their ids, a few at a time.
pub fn born_since(
    db: &mut Conn,
    owner: i64,
    then: i64,
    (after, now): (i64, i64),
) -> Result<Vec<(i64, i64)>> {
    // As `live_by_id`: the index of revisions is the one for this, since what was made after a revision
    // was changed after it.
    const SQL: &str = "SELECT revision, id FROM contacts
        WHERE owner = $1 AND revision > $3 AND revision <= $4
            AND CASE WHEN deleted_at IS NULL THEN born > $2 END
        ORDER BY revision LIMIT 500";
    let rows = db.query(SQL, &[&owner, &then, &after, &now])?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Makes room: the oldest history goes, at least so many bytes of it.
pub fn forget(tx: &mut Tx, book: &mut Book, bytes: i64) -> Result<()> {
    const SQL: &str = "WITH gone AS (
            DELETE FROM history WHERE owner = $1 AND revision <= (
                SELECT max(revision) FROM (
                    SELECT revision, octet_length(card) AS bytes,
                        sum(octet_length(card)) OVER (ORDER BY revision) AS total
                    FROM history WHERE owner = $1
                ) AS oldest WHERE total - bytes < $2
            )
            RETURNING revision, octet_length(card) AS bytes
        )
        SELECT coalesce(max(revision), 0) AS revision, coalesce(sum(bytes), 0)::bigint AS bytes
        FROM gone";
    let row = tx.query_one(SQL, &[&book.owner, &bytes])?;
    book.history_from = book.history_from.max(row.get("revision"));
    book.history_bytes -= row.get::<_, i64>("bytes");
    Ok(())
}
