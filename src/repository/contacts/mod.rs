//! The tables `contacts` and `address_books`. Every statement has the owner in its WHERE: nobody
//! else's contact can be reached, whatever id a client sends.

pub mod books;
pub mod exports;
pub mod imports;
pub mod lists;
pub mod resources;
pub mod trash;

use crate::db::{Conn, Tx};
use crate::error::{Error, Result};
use crate::model::contact::{Contact, ContactFields};
use chrono::{DateTime, Utc};
use postgres::Row;

/// The columns of a contact. `properties` can be large and is only read for exports.
macro_rules! columns {
    () => {
        "id, uid, revision, first_name, last_name, email, phone, birthday, additional_data, labels, \
         created_at, updated_at, deleted_at"
    };
}
pub(crate) use columns;

pub(crate) fn from_row(row: &Row) -> Contact {
    Contact {
        id: row.get("id"),
        uid: row.get("uid"),
        revision: row.get("revision"),
        fields: ContactFields {
            first_name: row.get("first_name"),
            last_name: row.get("last_name"),
            email: row.get("email"),
            phone: row.get("phone"),
            birthday: row.get("birthday"),
            additional_data: row.get("additional_data"),
            labels: row.get("labels"),
        },
        properties: String::new(),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
        deleted_at: row.get("deleted_at"),
    }
}

/// Adds a contact, in one statement and so in one round trip: it takes the next revision of the
/// owner's book, whose row stays locked until the commit.
pub fn insert(
    db: &mut Conn,
    owner: i64,
    uid: &str,
    fields: &ContactFields,
    now: DateTime<Utc>,
) -> Result<Contact> {
    const SQL: &str = concat!(
        "WITH book AS (
            UPDATE address_books SET revision = revision + 1, contacts = contacts + 1
            WHERE owner = $1 RETURNING revision
        )
        INSERT INTO contacts (owner, uid, revision, first_name, last_name, email, phone, birthday,
            additional_data, labels, created_at, updated_at)
        SELECT $1, $2, revision, $3, $4, $5, $6, $7, $8, $9, $10, $10 FROM book
        RETURNING ",
        columns!()
    );
    let row = db.query_opt(
        SQL,
        &[
            &owner,
            &uid,
            &fields.first_name,
            &fields.last_name,
            &fields.email,
            &fields.phone,
            &fields.birthday,
            &fields.additional_data,
            &fields.labels,
            &now,
        ],
    )?;
    // No row: the account was deleted since the request began.
    row.as_ref().map(from_row).ok_or(Error::Unauthenticated)
}

/// A contact that is not in the trash.
pub fn find(db: &mut Conn, owner: i64, id: i64) -> Result<Option<Contact>> {
    const SQL: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM contacts WHERE owner = $1 AND id = $2 AND deleted_at IS NULL"
    );
    Ok(db.query_opt(SQL, &[&owner, &id])?.as_ref().map(from_row))
}

/// Replaces what the user wrote. The caller took `revision` from [`books::next_revision`] in this
/// transaction. vCard properties stay as they are.
pub fn update(
    tx: &mut Tx,
    owner: i64,
    id: i64,
    revision: i64,
    fields: &ContactFields,
    now: DateTime<Utc>,
) -> Result<Option<Contact>> {
    const SQL: &str = concat!(
        "UPDATE contacts SET revision = $3, first_name = $4, last_name = $5, email = $6, phone = $7,
            birthday = $8, additional_data = $9, labels = $10, updated_at = $11
        WHERE owner = $1 AND id = $2 AND deleted_at IS NULL
        RETURNING ",
        columns!()
    );
    let row = tx.query_opt(
        SQL,
        &[
            &owner,
            &id,
            &revision,
            &fields.first_name,
            &fields.last_name,
            &fields.email,
            &fields.phone,
            &fields.birthday,
            &fields.additional_data,
            &fields.labels,
            &now,
        ],
    )?;
    Ok(row.as_ref().map(from_row))
}
