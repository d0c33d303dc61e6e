//! Deleted contacts: 30 days in the trash, then gone.

use super::{columns, from_row};
use crate::db::{Conn, Tx};
use crate::error::Result;
use crate::model::contact::Contact;
use crate::repository::Slice;
use chrono::{DateTime, Duration, Utc};

/// How long a deleted contact can be restored.
pub const TRASH_DAYS: i64 = 30;

/// Puts a contact into the trash; 0 when it is not there.
pub fn put(tx: &mut Tx, owner: i64, id: i64, revision: i64, now: DateTime<Utc>) -> Result<u64> {
    const SQL: &str = "UPDATE contacts SET deleted_at = $4, updated_at = $4, revision = $3
        WHERE owner = $1 AND id = $2 AND deleted_at IS NULL";
    tx.execute(SQL, &[&owner, &id, &revision, &now])
}

/// The trash, newest first, and how many are in it.
pub fn list(db: &mut Conn, owner: i64, slice: Slice) -> Result<(Vec<Contact>, i64)> {
    const PAGE: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM contacts WHERE owner = $1 AND deleted_at IS NOT NULL
        ORDER BY deleted_at DESC, id DESC LIMIT $2 OFFSET $3"
    );
    const COUNT: &str = "SELECT count(*) FROM contacts WHERE owner = $1 AND deleted_at IS NOT NULL";
    let rows = db.query(PAGE, &[&owner, &slice.limit, &slice.skip])?;
    let total = db.query_one(COUNT, &[&owner])?.get(0);
    Ok((rows.iter().map(from_row).collect(), total))
}

/// Takes a contact out of the trash. If its uid was imported again meanwhile it gets `new_uid`:
/// both stay.
pub fn restore(
    tx: &mut Tx,
    owner: i64,
    id: i64,
    revision: i64,
    new_uid: &str,
    now: DateTime<Utc>,
) -> Result<Option<Contact>> {
    const SQL: &str = concat!(
        "UPDATE contacts SET deleted_at = NULL, updated_at = $5, revision = $3,
            uid = CASE WHEN EXISTS (SELECT 1 FROM contacts AS other
                WHERE other.owner = $1 AND other.uid = contacts.uid AND other.deleted_at IS NULL)
                THEN $4 ELSE uid END
        WHERE owner = $1 AND id = $2 AND deleted_at IS NOT NULL
        RETURNING ",
        columns!()
    );
    let row = tx.query_opt(SQL, &[&owner, &id, &revision, &new_uid, &now])?;
    Ok(row.as_ref().map(from_row))
}

/// Deletes what has been in the trash for [`TRASH_DAYS`], at most a thousand rows at once, so
/// that no statement takes long. Not bound to an owner: only the worker calls it.
pub fn purge(db: &mut Conn, now: DateTime<Utc>) -> Result<u64> {
    const SQL: &str = "DELETE FROM contacts WHERE (owner, id) IN
        (SELECT owner, id FROM contacts WHERE deleted_at <= $1 LIMIT 1000)";
    db.execute(SQL, &[&(now - Duration::days(TRASH_DAYS))])
}
