//! Files in and out: golden files of real programs, other people's parsers, hostile and mutated
//! input.

#![cfg(test)]

mod calendar;
mod cards;
mod hostile;
mod others;
mod tables;

use chrono::NaiveDate;
use contactd::formats::{Imported, Row, RowError, vcard};
use contactd::model::contact::Contact;
use std::path::PathBuf;

/// The last date that a birthday may have.
fn latest() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 22).unwrap()
}

fn samples() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/samples")
}

/// Name and bytes of every vCard sample.
fn sample_cards() -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(samples()).unwrap().map(|e| e.unwrap()).collect();
    files.sort_by_key(|file| file.file_name());
    let files = files.iter().filter(|file| file.path().extension().is_some_and(|e| e == "vcf"));
    files
        .map(|file| (file.file_name().into_string().unwrap(), std::fs::read(file.path()).unwrap()))
        .collect()
}

fn cards(bytes: &[u8]) -> Vec<Row> {
    vcard::read(bytes, latest()).unwrap().collect()
}

/// The only card of a file, which must be good.
fn card(text: &str) -> Imported {
    let mut rows = cards(text.as_bytes());
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.remove(0).unwrap()
}

/// A card of version 3.0 with these lines, which must be good.
fn with_lines(lines: &str) -> Imported {
    card(&format!("BEGIN:VCARD\nVERSION:3.0\n{lines}\nEND:VCARD\n"))
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

fn export(contact: &Contact) -> String {
    let mut out = String::new();
    vcard::write(&mut out, contact);
    out
}

/// The lines of an export without folds.
fn lines(export: &str) -> Vec<String> {
    export.replace("\r\n ", "").lines().map(str::to_owned).collect()
}

/// Pseudo-random numbers (xorshift64*), the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % sides
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.roll(from.len())]
    }
}
