//! Birthdays: for the calendar, and a page of the next ones.

use super::{columns, from_row, live};
use crate::db::Conn;
use crate::error::Result;
use crate::model::contact::Contact;
use chrono::{DateTime, Utc};
use postgres::Row;

/// A birthday for the calendar.
#[derive(Debug)]
pub struct Birthday {
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

/// All birthdays, by day and name, at most 500 at a time; `after` moves on.
pub fn page(db: &mut Conn, owner: i64, after: &mut AfterBirthday) -> Result<Vec<Birthday>> {
    const SQL: &str = concat!(
        "SELECT id, uid, split_part(left(members, 4000), E'\\n', 1) AS name,
            sort_name, sort_more, birthday_key, birthday_year, updated_at
        FROM contacts WHERE ",
        live!(),
        " AND birthday_key IS NOT NULL
            AND (birthday_key, sort_name, sort_more, id) > ($2, $3, $4, $5)
        ORDER BY birthday_key, sort_name, sort_more, id LIMIT 500"
    );
    let (name, more) = &after.name;
    let rows = db.query(SQL, &[&owner, &after.key, name, more, &after.id])?;
    after.move_on(&rows);
    let birthday = |row: &Row| Birthday {
        uid: row.get("uid"),
        // The first member, in JSON; one that was cut off is shown as it is.
        name: serde_json::from_str(row.get("name")).unwrap_or_else(|_| row.get("name")),
        key: row.get("birthday_key"),
        year: row.get("birthday_year"),
        updated_at: row.get("updated_at"),
    };
    Ok(rows.iter().map(birthday).collect())
}

/// Where a page of birthdays begins: after this key and name.
#[derive(Debug, Clone, Default)]
pub struct AfterBirthday {
    key: i16,
    name: (String, String),
    id: i64,
}

impl AfterBirthday {
    fn move_on(&mut self, rows: &[Row]) {
        if let Some(last) = rows.last() {
            *self = AfterBirthday {
                key: last.get("birthday_key"),
                name: (last.get("sort_name"), last.get("sort_more")),
                id: last.get("id"),
            };
        }
    }
}

/// A contact and its birthday.
#[derive(Debug)]
pub struct Celebrated {
    /// Whose it is.
    pub contact: Contact,
    /// Month × 100 + day.
    pub key: i16,
    /// Where it is known.
    pub year: Option<i16>,
}

/// Contacts whose birthday falls on a day with one of these keys (both ends included), by day and
/// name, a page at a time; `after` moves on.
pub fn with_birthday(
    db: &mut Conn,
    owner: i64,
    (from, to): (i16, i16),
    after: &mut AfterBirthday,
) -> Result<Vec<Celebrated>> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        ", sort_name, sort_more, birthday_key, birthday_year
        FROM contacts WHERE ",
        live!(),
        " AND birthday_key BETWEEN $2 AND $3
            AND (birthday_key, sort_name, sort_more, id) > ($4, $5, $6, $7)
        ORDER BY birthday_key, sort_name, sort_more, id LIMIT 200"
    );
    let (name, more) = &after.name;
    let rows = db.query(SQL, &[&owner, &from, &to, &after.key, name, more, &after.id])?;
    after.move_on(&rows);
    let celebrated = |row: &Row| Celebrated {
        contact: from_row(row),
        key: row.get("birthday_key"),
        year: row.get("birthday_year"),
    };
    Ok(rows.iter().map(celebrated).collect())
}
