//! The table `history`: what contacts were before each change.

use super::books::Book;
use crate::db::{Conn, Tx};
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::collections::BTreeSet;

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
    pub vcard: Option<String>,
    /// In the place of the card: which members came to a group or went from it, when it followed its label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<Vec<String>>,
}

/// The history of a whole book after this revision, a few changes at a time and at most about a
/// megabyte.
pub fn of_book(db: &mut Conn, owner: i64, after: i64) -> Result<Vec<Kept>> {
    const SQL: &str = "SELECT revision, contact, at, protocol, client, card, by_members
        FROM (
            SELECT *, sum(octet_length(card)) OVER (ORDER BY revision) AS bytes,
                row_number() OVER (ORDER BY revision) AS number
            FROM (
                SELECT * FROM history WHERE owner = $1 AND revision > $2 ORDER BY revision LIMIT 500
            ) AS page
        ) AS numbered WHERE number = 1 OR bytes <= 1000000 ORDER BY revision";
    let rows = db.query(SQL, &[&owner, &after])?;
    let kept = |row: &postgres::Row| {
        let (card, by_members): (String, bool) = (row.get("card"), row.get("by_members"));
        let (vcard, members) = match by_members {
            true => (None, Some(members(&card)?)),
            false => (Some(card), None),
        };
        Ok(Kept {
            revision: row.get("revision"),
            contact_id: row.get("contact"),
            at: row.get("at"),
            by: row.get("protocol"),
            client: row.get("client"),
            vcard,
            members,
        })
    };
    rows.iter().map(kept).collect()
}

/// How each contact and group after this id was made, a few at a time, as the account's export shows it.
pub fn births(db: &mut Conn, owner: i64, after: i64) -> Result<Vec<Kept>> {
    const SQL: &str = "SELECT born, id, created_at, born_by, born_client FROM contacts
        WHERE owner = $1 AND id > $2 ORDER BY id LIMIT 500";
    let made = |row: &postgres::Row| Kept {
        revision: row.get("born"),
        contact_id: row.get("id"),
        at: row.get("created_at"),
        by: row.get("born_by"),
        client: row.get("born_client"),
        vcard: None,
        members: None,
    };
    Ok(db.query(SQL, &[&owner, &after])?.iter().map(made).collect())
}

/// A name that a contact had for CardDAV clients.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "each is the column of its name")]
pub struct FormerName {
    pub revision: i64,
    pub at: DateTime<Utc>,
    pub resource_name: String,
}

/// The names that contacts had, after this revision, a few at a time.
pub fn former_names(db: &mut Conn, owner: i64, after: i64) -> Result<Vec<FormerName>> {
    const SQL: &str = "SELECT revision, at, resource FROM former_names
        WHERE owner = $1 AND revision > $2 ORDER BY revision LIMIT 500";
    let name = |row: &postgres::Row| FormerName {
        revision: row.get("revision"),
        at: row.get("at"),
        resource_name: String::from_utf8_lossy(row.get("resource")).into_owned(),
    };
    Ok(db.query(SQL, &[&owner, &after])?.iter().map(name).collect())
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

/// The card that a contact had before this change of it, and when that was.
pub fn find(
    db: &mut Conn,
    owner: i64,
    id: i64,
    revision: i64,
) -> Result<Option<(String, DateTime<Utc>)>> {
    const SQL: &str =
        "SELECT card, at FROM history WHERE owner = $1 AND contact = $2 AND revision = $3";
    Ok(db.query_opt(SQL, &[&owner, &id, &revision])?.map(|row| (row.get(0), row.get(1))))
}

/// True if another program than this one has changed something of the book after a revision.
pub fn others_since(db: &mut Conn, owner: i64, after: i64, client: &str) -> Result<bool> {
    const SQL: &str = "SELECT EXISTS
            (SELECT FROM history WHERE owner = $1 AND revision > $2 AND client <> $3)
        OR EXISTS (SELECT FROM contacts
            WHERE owner = $1 AND revision > $2 AND born > $2 AND born_client <> $3)";
    Ok(db.query_one(SQL, &[&owner, &after, &client])?.get(0))
}

/// The revision of the book at an instant after which nothing is forgotten: the one before the first
/// change after it.
pub fn revision_at(db: &mut Conn, book: &Book, at: DateTime<Utc>) -> Result<i64> {
    // Neither instants nor revisions go back, so what changed after the instant has a revision after the
    // last change before.
    const SQL: &str = "WITH before AS (SELECT coalesce((SELECT revision FROM history
            WHERE owner = $1 AND at <= $2 ORDER BY revision DESC LIMIT 1), 0) AS last)
        SELECT least(
            (SELECT min(revision) FROM history WHERE owner = $1 AND revision > last),
            (SELECT min(revision) FROM former_names WHERE owner = $1 AND at > $2),
            (SELECT min(born) FROM contacts
                WHERE owner = $1 AND contacts.revision > last AND created_at > $2))
        FROM before";
    let first: Option<i64> = db.query_one(SQL, &[&book.owner, &at])?.get(0);
    Ok(first.map_or(book.revision, |first| first - 1))
}

/// The instant of the change that took a revision; none: there was none, or it is forgotten.
pub fn instant_of(db: &mut Conn, owner: i64, revision: i64) -> Result<Option<DateTime<Utc>>> {
    const SQL: &str = "SELECT at FROM history WHERE owner = $1 AND revision = $2
        UNION ALL SELECT at FROM former_names WHERE owner = $1 AND revision = $2
        UNION ALL SELECT created_at FROM contacts
            WHERE owner = $1 AND revision >= $2 AND born = $2";
    Ok(db.query_opt(SQL, &[&owner, &revision])?.map(|row| row.get(0)))
}

/// What a contact was at a revision, and what it is.
#[derive(Debug)]
pub struct Then {
    /// Which contact.
    pub id: i64,
    /// Of its last change.
    pub revision: i64,
    /// Apple's card of a group.
    pub is_group: bool,
    /// Its card then; of a group [`of_group`] has it.
    pub card: String,
    /// It lay in the trash then.
    pub in_trash: bool,
    /// Its card now.
    pub card_now: String,
    /// It lies in the trash now.
    pub in_trash_now: bool,
}

/// The uids of members who came or went, as history has them.
fn members(json: &str) -> Result<Vec<String>> {
    serde_json::from_str(json).map_err(Error::internal)
}

/// What a group was before its first change after a revision: its next card that history has whole, if it has one,
/// and which members have to come to it or go from it.
pub fn of_group(
    db: &mut Conn,
    owner: i64,
    id: i64,
    after: i64,
) -> Result<(Option<String>, BTreeSet<String>)> {
    const SQL: &str = "SELECT card, by_members FROM history
        WHERE owner = $1 AND contact = $2 AND revision > $3 AND revision <= coalesce(
            (SELECT min(revision) FROM history
                WHERE owner = $1 AND contact = $2 AND revision > $3 AND NOT by_members),
            (SELECT max(revision) FROM history WHERE owner = $1 AND contact = $2))";
    let (mut card, mut toggled, mut read) = (None, BTreeSet::new(), Ok(()));
    db.each(SQL, &[&owner, &id, &after], |row| match row.get("by_members") {
        true => match members(row.get("card")) {
            // Who came and went again is where they were.
            Ok(uids) => uids.into_iter().for_each(|uid| {
                if !toggled.remove(&uid) {
                    toggled.insert(uid);
                }
            }),
            Err(error) => read = Err(error),
        },
        false => card = Some(row.get("card")),
    })?;
    read.map(|()| (card, toggled))
}

/// Of the contacts that were there then, or lay in the trash, and have changed since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Those {
    /// That lay in the trash, and are out of it now.
    Revived,
    /// All others.
    Others,
}

/// Contacts that were there at revision `then`, in the trash or not, and have changed since, up to `now`, in
/// the order of their last changes, from after `after` on: a few at a time, and at most about a megabyte of
/// cards.
pub fn changed_since(
    db: &mut Conn,
    owner: i64,
    those: Those,
    then: i64,
    (after, now): (i64, i64),
) -> Result<Vec<Then>> {
    // By the index of revisions: what changed since `then` has a revision after it. The cards pass through
    // the steps as references: only those of the page are unpacked.
    const SQL: &str = "WITH changed AS (
            SELECT id, contacts.revision, is_group, was.card, in_trash, contacts.card AS card_now,
                deleted_at IS NOT NULL AS in_trash_now,
                octet_length(was.card) + octet_length(contacts.card) AS bytes
            FROM contacts CROSS JOIN LATERAL (SELECT card, in_trash FROM history
                WHERE owner = $1 AND contact = contacts.id AND history.revision > $2
                ORDER BY history.revision LIMIT 1) AS was
            WHERE owner = $1 AND contacts.revision > $3 AND contacts.revision <= $4
                AND CASE WHEN born <= $2 THEN (in_trash AND deleted_at IS NULL) = $5 END
            ORDER BY contacts.revision LIMIT 500
        )
        SELECT id, revision, is_group, card, in_trash, card_now, in_trash_now FROM (
            SELECT *, sum(bytes) OVER turns AS total, row_number() OVER turns AS number
            FROM changed WINDOW turns AS (ORDER BY revision)
        ) AS page WHERE number = 1 OR total <= 1000000 ORDER BY revision";
    let revived = those == Those::Revived;
    let rows = db.query(SQL, &[&owner, &then, &after, &now, &revived])?;
    let contact = |row: &postgres::Row| Then {
        id: row.get("id"),
        revision: row.get("revision"),
        is_group: row.get("is_group"),
        card: row.get("card"),
        in_trash: row.get("in_trash"),
        card_now: row.get("card_now"),
        in_trash_now: row.get("in_trash_now"),
    };
    Ok(rows.iter().map(contact).collect())
}

/// Contacts that were made after revision `then` and are not in the trash. Pages as in [`changed_since`];
/// the revision of each last change, the id, and whether it is a group.
pub fn made_since(
    db: &mut Conn,
    owner: i64,
    then: i64,
    (after, now): (i64, i64),
) -> Result<Vec<(i64, i64, bool)>> {
    const SQL: &str = "SELECT revision, id, is_group FROM contacts
        WHERE owner = $1 AND revision > $3 AND revision <= $4
            AND CASE WHEN deleted_at IS NULL THEN born > $2 END
        ORDER BY revision LIMIT 500";
    let rows = db.query(SQL, &[&owner, &then, &after, &now])?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect())
}

/// Makes room: the oldest history goes, at least so many bytes of it. Some rows at a time: a book may have
/// millions, and their sum would take longer than a statement may.
pub fn forget(tx: &mut Tx, book: &mut Book, bytes: i64) -> Result<()> {
    const SQL: &str = concat!(
        "WITH gone AS (
            DELETE FROM history WHERE owner = $1 AND revision <= (
                SELECT max(revision) FROM (
                    SELECT revision, bytes, sum(bytes) OVER (ORDER BY revision) AS total FROM (
                        SELECT revision, ",
        super::history_bytes!(),
        " AS bytes FROM history WHERE owner = $1 ORDER BY revision LIMIT 10000
                    ) AS few
                ) AS oldest WHERE total - bytes < $2
            )
            RETURNING at, ",
        super::history_bytes!(),
        " AS bytes
        )
        SELECT max(at) AS at, coalesce(sum(bytes), 0)::bigint AS bytes FROM gone"
    );
    let mut left = bytes;
    while left > 0 {
        let row = tx.query_one(SQL, &[&book.owner, &left])?;
        let Some(last) = row.get::<_, Option<DateTime<Utc>>>("at") else { break };
        book.history_since = book.history_since.max(last);
        let gone: i64 = row.get("bytes");
        book.history_bytes -= gone;
        left -= gone;
    }
    Ok(())
}
