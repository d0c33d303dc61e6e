//! What has changed since a revision, in the order of commits, for the change feed.

use crate::db::Conn;
use crate::error::Result;

/// A contact that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The revision of its last change.
    pub revision: i64,
    /// Which contact.
    pub id: i64,
    /// Its uid.
    pub uid: String,
    /// It lies in the trash.
    pub deleted: bool,
}

/// What has changed after `after`, oldest first, each contact once and as it is now; of what was deleted
/// only that which was after `deleted_after` too. Groups are no contacts.
pub fn since(
    db: &mut Conn,
    owner: i64,
    after: i64,
    deleted_after: i64,
    limit: i64,
) -> Result<Vec<Changed>> {
    const SQL: &str = "SELECT revision, id, uid, deleted_at IS NOT NULL AS deleted FROM contacts
        WHERE owner = $1 AND revision > $2 AND NOT is_group
            AND (deleted_at IS NULL OR revision > $3)
        ORDER BY revision LIMIT $4";
    let rows = db.query(SQL, &[&owner, &after, &deleted_after, &limit])?;
    let changed = |row: &postgres::Row| Changed {
        revision: row.get("revision"),
        id: row.get("id"),
        uid: row.get("uid"),
        deleted: row.get("deleted"),
    };
    Ok(rows.iter().map(changed).collect())
}
