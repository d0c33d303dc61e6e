//! Files in and out: golden files of real programs, other people's parsers, and mutated input.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use chrono::NaiveDate;
use contactd::formats::{Imported, Row, vcard};
use contactd::model::contact::Contact;

fn latest() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 22).unwrap()
}

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/samples/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn cards(bytes: &[u8]) -> Vec<Row> {
    vcard::read(bytes, latest()).unwrap().collect()
}

/// What the server makes of an import.
fn stored(imported: &Imported) -> Contact {
    Contact {
        id: 1,
        uid: imported.uid.clone().unwrap_or_else(|| format!("uid-{}", imported.line)),
        revision: 1,
        fields: imported.fields.clone(),
        properties: imported.properties.clone(),
        created_at: "2026-01-02T03:04:05Z".parse().unwrap(),
        updated_at: "2026-01-02T03:04:05Z".parse().unwrap(),
        deleted_at: None,
    }
}

#[test]
fn look() {
    for name in std::fs::read_dir("tests/samples").unwrap() {
        let name = name.unwrap().file_name().into_string().unwrap();
        for row in cards(&sample(&name)) {
            println!("{name} {row:#?}");
            if let Ok(row) = row {
                let mut out = String::new();
                vcard::write(&mut out, &stored(&row));
                println!("{out}");
                let again = cards(out.as_bytes()).remove(0).unwrap();
                assert_eq!((&again.fields, &again.properties), (&row.fields, &row.properties));
            }
        }
    }
}
