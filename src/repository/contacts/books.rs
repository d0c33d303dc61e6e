//! The table `address_books`: one row an owner, whose lock puts the owner's writes in order.

use crate::db::{Conn, Tx};
use crate::error::{Error, Result};
use crate::model::contact::columns::VERSION;
use chrono::{DateTime, Utc};
use postgres::Row;

/// An owner's address book as it stands in its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Book {
    /// Whose it is.
    pub owner: i64,
    /// The number of the last change.
    pub revision: i64,
    /// When the last change was.
    pub changed_at: DateTime<Utc>,
    /// Contacts that lists show.
    pub contacts: i64,
    /// Cards of groups that are not in the trash.
    pub groups: i64,
    /// Rows, the trash included.
    pub stored: i64,
    /// Bytes of all cards, the trash included.
    pub card_bytes: i64,
    /// Bytes of the cards in the history.
    pub history_bytes: i64,
    /// Up to which revision deletions may be forgotten.
    pub forgotten: i64,
    /// Up to which instant history may be gone.
    pub history_since: DateTime<Utc>,
    /// When something of trash or history is next too old.
    pub purge_after: Option<DateTime<Utc>>,
    /// Part of every token.
    pub epoch: String,
}

macro_rules! columns {
    () => {
        "owner, revision, changed_at, contacts, groups, stored, card_bytes, history_bytes, forgotten, \
         history_since, purge_after, epoch::text"
    };
}

fn from_row(row: &Row) -> Book {
    Book {
        owner: row.get("owner"),
        revision: row.get("revision"),
        changed_at: row.get("changed_at"),
        contacts: row.get("contacts"),
        groups: row.get("groups"),
        stored: row.get("stored"),
        card_bytes: row.get("card_bytes"),
        history_bytes: row.get("history_bytes"),
        forgotten: row.get("forgotten"),
        history_since: row.get("history_since"),
        purge_after: row.get("purge_after"),
        epoch: row.get("epoch"),
    }
}

/// The book, whose row stays locked until the transaction ends, so that the order of revisions is the
/// order of commits. Not FOR UPDATE, which would wait for whoever refers to the row.
pub fn lock(tx: &mut Tx, owner: i64) -> Result<Book> {
    const SQL: &str =
        concat!("SELECT ", columns!(), " FROM address_books WHERE owner = $1 FOR NO KEY UPDATE");
    // The account may have been deleted since the request began.
    tx.query_opt(SQL, &[&owner])?.as_ref().map(from_row).ok_or(Error::Unauthenticated)
}

/// The book, not locked.
pub fn find(db: &mut Conn, owner: i64) -> Result<Book> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM address_books WHERE owner = $1");
    db.query_opt(SQL, &[&owner])?.as_ref().map(from_row).ok_or(Error::Unauthenticated)
}

/// Up to which revision deletions are forgotten by now, see [`Book::forgotten`].
pub fn forgotten(db: &mut Conn, owner: i64) -> Result<i64> {
    const SQL: &str = "SELECT forgotten FROM address_books WHERE owner = $1";
    db.query_opt(SQL, &[&owner])?.map(|row| row.get(0)).ok_or(Error::Unauthenticated)
}

/// Writes back what a change did to a locked book. Replicas of an older version write while the new ones come up: then
/// the next one to come up looks at the book's contacts once more.
pub fn save(tx: &mut Tx, book: &Book) -> Result<u64> {
    const SQL: &str = "UPDATE address_books SET revision = $2, changed_at = $3, contacts = $4,
            groups = $5, stored = $6, card_bytes = $7, history_bytes = $8, forgotten = $9,
            history_since = $10, purge_after = $11, made_by = least(made_by, $12)
        WHERE owner = $1";
    tx.execute(
        SQL,
        &[
            &book.owner,
            &book.revision,
            &book.changed_at,
            &book.contacts,
            &book.groups,
            &book.stored,
            &book.card_bytes,
            &book.history_bytes,
            &book.forgotten,
            &book.history_since,
            &book.purge_after,
            &VERSION,
        ],
    )
}

/// How many contacts are not in the trash.
pub fn count(db: &mut Conn, owner: i64) -> Result<i64> {
    const SQL: &str = "SELECT contacts FROM address_books WHERE owner = $1";
    Ok(db.query_opt(SQL, &[&owner])?.map_or(0, |row| row.get(0)))
}

/// A book with what CardDAV clients call it, and its description, as far as they were set.
pub type Named = (Book, Option<String>, Option<String>);

/// The book as CardDAV clients see it, not locked.
pub fn find_named(db: &mut Conn, owner: i64) -> Result<Named> {
    const SQL: &str = concat!(
        "SELECT display_name, description, ",
        columns!(),
        " FROM address_books WHERE owner = $1"
    );
    let row = db.query_opt(SQL, &[&owner])?.ok_or(Error::Unauthenticated)?;
    Ok((from_row(&row), row.get("display_name"), row.get("description")))
}

/// Sets what CardDAV clients call a book.
pub fn set_display_name(db: &mut Conn, owner: i64, name: Option<&str>) -> Result<u64> {
    db.execute("UPDATE address_books SET display_name = $2 WHERE owner = $1", &[&owner, &name])
}

/// Sets a book's description.
pub fn set_description(db: &mut Conn, owner: i64, text: Option<&str>) -> Result<u64> {
    db.execute("UPDATE address_books SET description = $2 WHERE owner = $1", &[&owner, &text])
}

/// Sets the hash of the calendar's secret. With an app password, which the caller holds, it ends when
/// that does.
pub fn set_calendar(
    tx: &mut Tx,
    owner: i64,
    hash: &[u8],
    app_password: Option<i64>,
) -> Result<u64> {
    const SQL: &str = "INSERT INTO calendars (owner, hash, app_password)
        SELECT id, $2, $3 FROM users WHERE id = $1
        ON CONFLICT (owner) DO UPDATE
        SET hash = excluded.hash, app_password = excluded.app_password";
    tx.execute(SQL, &[&owner, &hash, &app_password])
}

/// Revokes the calendar's secret; 0 when there is none.
pub fn revoke_calendar(tx: &mut Tx, owner: i64) -> Result<u64> {
    tx.execute("DELETE FROM calendars WHERE owner = $1", &[&owner])
}

/// True if the owner has a calendar address that works.
pub fn has_calendar(db: &mut Conn, owner: i64) -> Result<bool> {
    const SQL: &str = "SELECT 1 FROM calendars WHERE owner = $1";
    Ok(db.query_opt(SQL, &[&owner])?.is_some())
}

/// The revision of the book whose calendar has this secret, if the account is active.
pub fn find_by_calendar(db: &mut Conn, owner: i64, hash: &[u8]) -> Result<Option<i64>> {
    const SQL: &str = "SELECT revision FROM calendars
        JOIN address_books ON address_books.owner = $1
        JOIN users ON users.id = $1 AND is_active
        WHERE calendars.owner = $1 AND hash = $2";
    Ok(db.query_opt(SQL, &[&owner, &hash])?.map(|row| row.get(0)))
}

/// Most contacts that [`empty`] deletes, and most of their history.
pub const BATCH: u64 = 5_000;
const MOST: i64 = BATCH.cast_signed();

/// Deletes the row of a book whose account ended, before what is in the book: a write that is under way is waited
/// for, and later ones find no book to lock.
pub fn close(db: &mut Conn, owner: i64) -> Result<u64> {
    db.execute("DELETE FROM address_books WHERE owner = $1", &[&owner])
}

/// Deletes a part of what was in a book that is closed, so that no statement takes long; 0 when nothing is left.
pub fn empty(db: &mut Conn, owner: i64) -> Result<u64> {
    const CONTACTS: &str = "DELETE FROM contacts WHERE owner = $1 AND id IN
        (SELECT id FROM contacts WHERE owner = $1 LIMIT $2)";
    const HISTORY: &str = "DELETE FROM history WHERE owner = $1 AND revision IN
        (SELECT revision FROM history WHERE owner = $1 LIMIT $2)";
    const NAMES: &str = "DELETE FROM former_names WHERE owner = $1";
    let contacts = db.execute(CONTACTS, &[&owner, &MOST])?;
    let history = db.execute(HISTORY, &[&owner, &MOST])?;
    Ok(contacts + history + db.execute(NAMES, &[&owner])?)
}

/// Owners of whom something is too old, a few at a time, and none of `but`. Not bound to an owner: only the worker
/// asks.
pub fn due_for_purge(db: &mut Conn, now: DateTime<Utc>, but: &[i64]) -> Result<Vec<i64>> {
    const SQL: &str = "SELECT owner FROM address_books WHERE purge_after <= $1 AND owner <> ALL($2)
        ORDER BY purge_after LIMIT 100";
    Ok(db.query(SQL, &[&now, &but])?.iter().map(|row| row.get(0)).collect())
}

/// Owners whose columns an older function made, a few at a time. Not bound to an owner.
pub fn due_for_reindex(db: &mut Conn, version: i16, after: i64) -> Result<Vec<i64>> {
    const SQL: &str = "SELECT owner FROM address_books WHERE made_by < $1 AND owner > $2
        ORDER BY owner LIMIT 100";
    Ok(db.query(SQL, &[&version, &after])?.iter().map(|row| row.get(0)).collect())
}

/// Notes that every contact of an owner has columns of this version; not if a replica of an older version
/// made some since they were looked at. The caller has locked the book.
pub fn set_made_by(tx: &mut Tx, owner: i64, version: i16) -> Result<u64> {
    const SQL: &str = "UPDATE address_books SET made_by = $2 WHERE owner = $1 AND NOT EXISTS
        (SELECT FROM contacts WHERE owner = $1 AND made_by < $2)";
    tx.execute(SQL, &[&owner, &version])
}

/// A backup was restored: no token from before is believed any more, and revisions that were given out
/// since it was made do not come again with other contents. How many address books there are. Not bound
/// to an owner.
pub fn restored(db: &mut Conn) -> Result<u64> {
    const LAST: &str = "SELECT max(owner) FROM
        (SELECT owner FROM address_books WHERE owner > $1 ORDER BY owner LIMIT $2) AS page";
    const SQL: &str = "UPDATE address_books SET epoch = gen_random_uuid(),
        revision = revision + 1000000000 WHERE owner > $1 AND owner <= $2";
    let (mut after, mut books) = (0, 0);
    // Some at a time: a statement for all of millions would take longer than a statement may.
    while let Some(last) = db.query_one(LAST, &[&after, &MOST])?.get::<_, Option<i64>>(0) {
        books += db.execute(SQL, &[&after, &last])?;
        after = last;
    }
    Ok(books)
}
