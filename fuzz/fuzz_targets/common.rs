//! What holds for every contact that any reader yields.

use chrono::{DateTime, NaiveDate};
use contactd::error::Result;
use contactd::formats::{Imported, PROPERTIES_MAX, Row, UID_MAX, vcard};
use contactd::model::contact::Contact;

/// The last date that a birthday may have.
pub fn latest() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 22).expect("a date")
}

/// The good rows of a file. There are no more rows than bytes, each of them has its line, and an
/// error says something, but not the whole file.
pub fn good(bytes: &[u8], rows: Result<impl Iterator<Item = Row>>) -> Vec<Imported> {
    let lines = 1 + bytes.iter().filter(|byte| [b'\n', b'\r'].contains(byte)).count() as u64;
    let mut good = Vec::new();
    for (count, row) in rows.into_iter().flatten().enumerate() {
        assert!(count < bytes.len());
        match row {
            Ok(row) => {
                assert!((1..=lines).contains(&row.line), "{} of {lines}", row.line);
                assert!(row.properties.len() <= PROPERTIES_MAX);
                assert!(row.uid.as_ref().is_none_or(|uid| uid.chars().count() <= UID_MAX));
                good.push(row);
            }
            Err(error) => {
                assert!((1..=lines).contains(&error.line), "{} of {lines}", error.line);
                assert!(!error.detail.is_empty() && error.detail.len() < 10_000);
            }
        }
    }
    good
}

/// What the server makes of an import.
pub fn stored(row: &Imported) -> Contact {
    Contact {
        id: 1,
        uid: row.uid.clone().filter(|uid| !uid.is_empty()).unwrap_or_else(|| "uid".to_owned()),
        revision: 1,
        fields: row.fields.clone(),
        properties: row.properties.clone(),
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
        deleted_at: None,
    }
}

/// Written as a card and read again, it is the same.
pub fn same_as_card(row: &Imported) {
    let contact = stored(row);
    let mut out = String::new();
    vcard::write(&mut out, &contact);
    assert!(out.split("\r\n").all(|line| line.len() <= 75 && !line.contains(['\n', '\r', '\0'])));
    let mut again = vcard::read(out.as_bytes(), latest()).expect("a file");
    let card = again.next().expect("a card").expect("a good one");
    assert!(again.next().is_none(), "one card");
    assert_eq!(card.uid.as_ref(), Some(&contact.uid));
    assert_eq!((&card.fields, &card.properties), (&row.fields, &row.properties));
}
