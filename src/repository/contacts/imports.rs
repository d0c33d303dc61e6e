//! Many contacts at once. Everything here runs under the lock of the owner's book
//! ([`super::books::lock`]), so that between looking and inserting nobody else comes.

use crate::crypto;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::model::contact::ContactFields;
use chrono::{DateTime, Utc};
use std::collections::HashSet;

/// One contact to be added.
#[derive(Debug)]
pub struct NewContact {
    /// Not yet in use among the owner's contacts.
    pub uid: String,
    /// Valid.
    pub fields: ContactFields,
    /// vCard content lines without a field of ours.
    pub properties: String,
}

/// What two contacts have in common whose fields are all alike. Line ends count as one, because
/// files write them in their own way.
pub fn digest(fields: &ContactFields) -> Vec<u8> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    // Control characters are in no field, so they can stand between them.
    let all = [
        fields.first_name.clone(),
        text(&fields.last_name),
        text(&fields.email),
        text(&fields.phone),
        fields.birthday.map(|date| date.to_string()).unwrap_or_default(),
        text(&fields.additional_data).replace("\r\n", "\n").replace('\r', "\n"),
        fields.labels.join("\u{1e}"),
    ];
    crypto::token_hash(&all.join("\u{1f}"))
}

/// Which of these uids contacts of the owner have, the trash aside.
pub fn find_uids(tx: &mut Tx, owner: i64, uids: &[&str]) -> Result<HashSet<String>> {
    const SQL: &str =
        "SELECT uid FROM contacts WHERE owner = $1 AND uid = ANY ($2) AND deleted_at IS NULL";
    let rows = tx.query(SQL, &[&owner, &uids])?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// The digests of the owner's contacts that have one of these names, the trash aside. Digests
/// and not contacts: there may be thousands of one name.
pub fn find_digests(
    tx: &mut Tx,
    owner: i64,
    contacts: &[&ContactFields],
) -> Result<HashSet<Vec<u8>>> {
    const SQL: &str = "SELECT sha256(convert_to(concat_ws(E'\\x1f', contacts.first_name,
            coalesce(last_name, ''), coalesce(email, ''), coalesce(phone, ''),
            coalesce(to_char(birthday, 'YYYY-MM-DD'), ''),
            replace(replace(coalesce(additional_data, ''), E'\\r\\n', E'\\n'), E'\\r', E'\\n'),
            array_to_string(labels, E'\\x1e')), 'UTF8'))
        FROM unnest($2::text[], $3::text[]) AS name (sort_name, first_name)
        JOIN contacts ON owner = $1 AND contacts.sort_name = name.sort_name
            AND contacts.first_name = name.first_name AND deleted_at IS NULL";
    let names: HashSet<(&str, &str)> = contacts
        .iter()
        .map(|it| (it.last_name.as_ref().unwrap_or(&it.first_name).as_str(), &*it.first_name))
        .collect();
    let (sort_names, first_names): (Vec<_>, Vec<_>) = names.into_iter().unzip();
    let rows = tx.query(SQL, &[&owner, &sort_names, &first_names])?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Adds contacts in their order, each with a revision of its own.
pub fn insert(tx: &mut Tx, owner: i64, new: &[NewContact], now: DateTime<Utc>) -> Result<()> {
    // Labels travel as one text each, since unnest would flatten arrays of arrays; no label has
    // a line break.
    const SQL: &str = "WITH book AS (
            UPDATE address_books SET revision = revision + $2, contacts = contacts + $2
            WHERE owner = $1 RETURNING revision - $2 AS before
        )
        INSERT INTO contacts (owner, uid, revision, first_name, last_name, email, phone, birthday,
            additional_data, labels, properties, created_at, updated_at)
        SELECT $1, uid, before + at, first_name, last_name, email, phone, birthday,
            additional_data, string_to_array(labels, E'\\n'), properties, $12, $12
        FROM book, unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::date[],
                $9::text[], $10::text[], $11::text[]) WITH ORDINALITY
            AS list (uid, first_name, last_name, email, phone, birthday, additional_data, labels,
                properties, at)
        ORDER BY at";
    fn column<'a, T>(new: &'a [NewContact], of: impl Fn(&'a NewContact) -> T) -> Vec<T> {
        new.iter().map(of).collect()
    }
    let count = i64::try_from(new.len()).map_err(Error::internal)?;
    let added = tx.execute(
        SQL,
        &[
            &owner,
            &count,
            &column(new, |it| &it.uid),
            &column(new, |it| &it.fields.first_name),
            &column(new, |it| &it.fields.last_name),
            &column(new, |it| &it.fields.email),
            &column(new, |it| &it.fields.phone),
            &column(new, |it| it.fields.birthday),
            &column(new, |it| &it.fields.additional_data),
            &column(new, |it| it.fields.labels.join("\n")),
            &column(new, |it| &it.properties),
            &now,
        ],
    )?;
    // The account may have been deleted since the request began.
    if i64::try_from(added) == Ok(count) { Ok(()) } else { Err(Error::Unauthenticated) }
}

/// Begins a rehearsal: what follows in this transaction can be undone.
pub fn begin_rehearsal(tx: &mut Tx) -> Result<()> {
    tx.batch("SAVEPOINT rehearsal")
}

/// Undoes everything since [`begin_rehearsal`].
pub fn end_rehearsal(tx: &mut Tx) -> Result<()> {
    tx.batch("ROLLBACK TO SAVEPOINT rehearsal")
}
