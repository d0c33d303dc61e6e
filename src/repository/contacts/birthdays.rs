//! Birthdays for the calendar.

use crate::db::Conn;
use crate::error::Result;
use chrono::{DateTime, Utc};

/// A birthday for the calendar.
#[derive(Debug)]
pub struct Birthday {
    /// Of the contact.
    pub id: i64,
    /// Of the contact.
    pub uid: String,
    /// The beginning of its display name.
    pub name: String,
    /// Month × 100 + day.
    pub key: i16,
    /// Where it is known.
    pub year: Option<i16>,
    /// When the contact was last changed.
    pub updated_at: DateTime<Utc>,
}

/// The birthdays of contacts whose id is greater than `after`, at most 500.
pub fn page(db: &mut Conn, owner: i64, after: i64) -> Result<Vec<Birthday>> {
    const SQL: &str = "SELECT id, uid, split_part(left(members, 4000), E'\\n', 1) AS name,
            birthday_key, birthday_year, updated_at
        FROM contacts WHERE owner = $1 AND id > $2 AND deleted_at IS NULL AND NOT is_group
            AND birthday_key IS NOT NULL ORDER BY id LIMIT 500";
    let rows = db.query(SQL, &[&owner, &after])?;
    let birthday = |row: &postgres::Row| Birthday {
        id: row.get("id"),
        uid: row.get("uid"),
        // The first member, in JSON; one that was cut off is shown as it is.
        name: serde_json::from_str(row.get("name")).unwrap_or_else(|_| row.get("name")),
        key: row.get("birthday_key"),
        year: row.get("birthday_year"),
        updated_at: row.get("updated_at"),
    };
    Ok(rows.iter().map(birthday).collect())
}
