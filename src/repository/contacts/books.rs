//! The table `address_books`: one row an owner, whose lock puts the owner's writes in order.

use crate::db::{Conn, Tx};
use crate::error::{Error, Result};

/// Takes the owner's next revision and holds the row's lock until the transaction ends, so that
/// the order of revisions is the order of commits.
pub fn next_revision(tx: &mut Tx, owner: i64) -> Result<i64> {
    const SQL: &str = "UPDATE address_books SET revision = revision + 1 WHERE owner = $1
        RETURNING revision";
    // The account may have been deleted since the request began.
    Ok(tx.query_opt(SQL, &[&owner])?.ok_or(Error::Unauthenticated)?.get(0))
}

/// Holds the row's lock until the transaction ends, and takes no revision yet.
pub fn lock(tx: &mut Tx, owner: i64) -> Result<()> {
    const SQL: &str = "SELECT 1 FROM address_books WHERE owner = $1 FOR UPDATE";
    // The account may have been deleted since the request began.
    tx.query_opt(SQL, &[&owner])?.map(|_| ()).ok_or(Error::Unauthenticated)
}

/// Changes the count of contacts that are not in the trash.
pub fn add_to_count(tx: &mut Tx, owner: i64, by: i64) -> Result<u64> {
    const SQL: &str = "UPDATE address_books SET contacts = contacts + $2 WHERE owner = $1";
    tx.execute(SQL, &[&owner, &by])
}

/// How many contacts are not in the trash.
pub fn count(db: &mut Conn, owner: i64) -> Result<i64> {
    const SQL: &str = "SELECT contacts FROM address_books WHERE owner = $1";
    Ok(db.query_opt(SQL, &[&owner])?.map_or(0, |row| row.get(0)))
}

/// Sets the hash of the calendar's secret; `None` revokes it.
pub fn set_calendar(db: &mut Conn, owner: i64, hash: Option<&[u8]>) -> Result<u64> {
    const SQL: &str = "UPDATE address_books SET calendar_hash = $2 WHERE owner = $1";
    db.execute(SQL, &[&owner, &hash])
}

/// True if the owner has a calendar address that works.
pub fn has_calendar(db: &mut Conn, owner: i64) -> Result<bool> {
    const SQL: &str = "SELECT calendar_hash IS NOT NULL FROM address_books WHERE owner = $1";
    Ok(db.query_opt(SQL, &[&owner])?.is_some_and(|row| row.get(0)))
}

/// The owner of the calendar with this secret and the revision of the book, if the account is
/// active.
pub fn find_by_calendar(db: &mut Conn, hash: &[u8]) -> Result<Option<(i64, i64)>> {
    const SQL: &str = "SELECT owner, revision FROM address_books JOIN users ON users.id = owner
        WHERE calendar_hash = $1 AND is_active";
    Ok(db.query_opt(SQL, &[&hash])?.map(|row| (row.get(0), row.get(1))))
}

/// Deletes some contacts of an account that ended, at most a thousand; how many.
pub fn empty(db: &mut Conn, owner: i64) -> Result<u64> {
    const SQL: &str = "DELETE FROM contacts WHERE owner = $1 AND id IN
        (SELECT id FROM contacts WHERE owner = $1 LIMIT 1000)";
    db.execute(SQL, &[&owner])
}

/// A backup was restored: revisions that were given out since it was made must not come again with
/// other contents, so all go on far beyond them. How many address books there are.
pub fn restored(db: &mut Conn) -> Result<u64> {
    db.execute("UPDATE address_books SET revision = revision + 1000000000", &[])
}
