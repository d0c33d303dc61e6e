//! What has changed since a revision, in the order of commits: for the change feed and for syncing.

use crate::db::Conn;
use crate::error::Result;
use crate::model::contact::resource_name;

/// A contact that changed, or a name that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The revision of its last change.
    pub revision: i64,
    /// Which contact; 0 for a name that another one or none has now.
    pub id: i64,
    /// Its uid.
    pub uid: String,
    /// Its name for CardDAV clients.
    pub name: Vec<u8>,
    /// It lies in the trash, or is no contact's name any more.
    pub deleted: bool,
    /// Apple's card of a group.
    pub is_group: bool,
}

/// What has changed after `since`, oldest first, each contact once and as it is now. From the
/// beginning there is nothing about what was deleted.
pub fn since(db: &mut Conn, owner: i64, since: i64, limit: i64) -> Result<Vec<Changed>> {
    const SQL: &str =
        "(SELECT revision, id, uid, resource, deleted_at IS NOT NULL AS deleted, is_group
            FROM contacts WHERE owner = $1 AND revision > $2 AND (deleted_at IS NULL OR $2 > 0)
            ORDER BY revision LIMIT $3)
        UNION ALL
        (SELECT revision, 0, '', resource, true, false
            FROM former_names WHERE owner = $1 AND revision > $2 AND $2 > 0
            ORDER BY revision LIMIT $3)
        ORDER BY revision, id DESC LIMIT $3";
    let rows = db.query(SQL, &[&owner, &since, &limit])?;
    let changed = |row: &postgres::Row| {
        let uid: String = row.get("uid");
        let resource: Option<Vec<u8>> = row.get("resource");
        Changed {
            revision: row.get("revision"),
            id: row.get("id"),
            name: resource_name(resource.as_deref(), &uid),
            uid,
            deleted: row.get("deleted"),
            is_group: row.get("is_group"),
        }
    };
    Ok(rows.iter().map(changed).collect())
}
