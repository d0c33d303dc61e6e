//! What has changed since a revision, in the order of commits, for the change feed.

use crate::db::Conn;
use crate::error::Result;
use chrono::{DateTime, Utc};

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

/// A revision such that what has changed at this instant or later has a greater one, and nothing else has:
/// no change has an instant before that of an earlier one. It is found by halving: going back change by
/// change would read every row since then, and those of one owner lie far from each other. OFFSET 0: each
/// step looks once.
pub(super) fn revision_before(db: &mut Conn, owner: i64, instant: DateTime<Utc>) -> Result<i64> {
    const SQL: &str = "WITH RECURSIVE halves (low, high) AS (
            SELECT 0::bigint, revision FROM address_books WHERE owner = $1
            UNION ALL
            SELECT CASE WHEN before THEN middle ELSE low END,
                CASE WHEN before THEN high ELSE middle - 1 END
            FROM halves,
                LATERAL (SELECT (low + high + 1) / 2 AS middle) AS half,
                LATERAL (SELECT coalesce((SELECT updated_at < $2 FROM contacts
                    WHERE owner = $1 AND revision > low AND revision <= middle
                    ORDER BY revision DESC LIMIT 1), true) AS before OFFSET 0) AS look
            WHERE low < high
        )
        SELECT low FROM halves WHERE low = high";
    Ok(db.query_opt(SQL, &[&owner, &instant])?.map_or(0, |row| row.get(0)))
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
