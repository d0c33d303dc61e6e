//! The table `uploads`: files between the two steps of an import on a page, one an account, with what was
//! found in them, so that the page that shows it reads no file.

use crate::db::Conn;
use crate::error::Result;
use chrono::{DateTime, Duration, Utc};

/// How long a file is kept, in hours.
const KEPT_HOURS: i64 = 1;

/// A file that was sent, without its bytes.
#[derive(Debug)]
pub struct Upload {
    /// The label that was asked for.
    pub label: String,
    /// When it was sent, which also distinguishes it from an earlier one.
    pub at: DateTime<Utc>,
    /// What would come of it, as JSON; empty where a person has to say more.
    pub found: String,
    /// The revision of the book for which that was found.
    pub revision: i64,
}

impl Upload {
    /// Names the file in the forms of its pages.
    pub fn key(&self) -> String {
        self.at.timestamp_micros().to_string()
    }
}

/// Keeps a file, in place of the one before; nothing when the account is gone. No quota of the book counts it: an
/// import may bring what is there already, and one file of the size that a route takes is a bound. The deletion of
/// the account waits meanwhile.
pub fn put(db: &mut Conn, owner: i64, content: &[u8], upload: &Upload) -> Result<()> {
    const SQL: &str = "INSERT INTO uploads (owner, content, label, at, found, revision)
        SELECT owner, $2::bytea, $3, $4::timestamptz, $5, $6::bigint FROM address_books
        WHERE owner = $1 FOR KEY SHARE
        ON CONFLICT ON CONSTRAINT uploads_pkey
        DO UPDATE SET content = excluded.content, label = excluded.label, at = excluded.at,
            found = excluded.found, revision = excluded.revision";
    let Upload { label, at, found, revision } = upload;
    db.execute(SQL, &[&owner, &content, label, at, found, revision]).map(|_| ())
}

/// The file, if it is not too old.
pub fn find(db: &mut Conn, owner: i64, now: DateTime<Utc>) -> Result<Option<Upload>> {
    const SQL: &str = "SELECT label, at, found, revision FROM uploads WHERE owner = $1 AND at > $2";
    let row = db.query_opt(SQL, &[&owner, &(now - Duration::hours(KEPT_HOURS))])?;
    Ok(row.map(|row| Upload {
        label: row.get("label"),
        at: row.get("at"),
        found: row.get("found"),
        revision: row.get("revision"),
    }))
}

/// The bytes of a file that [`find`] found, if it is still that one.
pub fn content(db: &mut Conn, owner: i64, upload: &Upload) -> Result<Option<Vec<u8>>> {
    const SQL: &str = "SELECT content FROM uploads WHERE owner = $1 AND at = $2";
    Ok(db.query_opt(SQL, &[&owner, &upload.at])?.map(|row| row.get(0)))
}

/// Deletes a file that [`find`] found, if it is still that one: another may have been sent while it was taken in.
pub fn delete(db: &mut Conn, owner: i64, upload: &Upload) -> Result<u64> {
    db.execute("DELETE FROM uploads WHERE owner = $1 AND at = $2", &[&owner, &upload.at])
}

/// Deletes a few files that are too old: each may be 50 MiB in 25,000 parts. Not bound to an owner: only
/// the worker asks.
pub fn purge(db: &mut Conn, now: DateTime<Utc>) -> Result<u64> {
    const SQL: &str = "DELETE FROM uploads WHERE owner IN
        (SELECT owner FROM uploads WHERE at <= $1 LIMIT 10) AND at <= $1";
    db.execute(SQL, &[&(now - Duration::hours(KEPT_HOURS))])
}
