//! Files in and out: vCard, CSV, JSON and calendar text ↔ contacts. Everything here is pure:
//! bytes in, text out, no I/O, no clock.
//!
//! # Nothing is dropped
//!
//! A file can say more of a person than a [`ContactFields`] holds. Whatever has no field of ours
//! stays with the contact as **content lines** of vCard 3.0 (RFC 2426, section 2.6), in
//! [`Imported::properties`], and comes back in the next vCard export. There are two kinds:
//!
//! - **Whole lines**: all lines of a name that is not ours (`ADR`, `PHOTO`, `X-…`), and lines of
//!   ours beyond the one that filled the field (a second `TEL`). A line of vCard 3.0 or 4.0 is
//!   kept as it was, only unfolded. A line of vCard 2.1 is kept as the 3.0 line of the same
//!   meaning, see `line`.
//! - **Slots**: where the line that filled a field says more than the field does, the value is
//!   cut out and the rest is kept: `TEL;TYPE=CELL:+380 44…` leaves `TEL;TYPE=CELL:`, and
//!   `N:Smith;John;Q.;Mr.;Jr.` leaves `N:;;Q.;Mr.;Jr.`. The export puts the field's value of that
//!   day back into the slot. So an edited name keeps its middle name, an edited number its label,
//!   and a number that the user deleted is nowhere any more.
//!
//! CSV rows are turned into content lines first and then go the same way.
//!
//! # Which values are errors
//!
//! A value that its field cannot take (a name of 101 characters, a birthday in the future) is an
//! error of the row, which names the field; the other rows go on. Three things are no errors,
//! because the contact is of use without them and the line is kept: a `BDAY` that is no full date
//! and, in vCards, a `TEL` or `EMAIL` that is no valid number or address.

mod encoding;
mod fields;
mod line;
mod names;
mod value;

pub mod csv;
pub mod ics;
pub mod json;
pub mod vcard;

use crate::model::contact::ContactFields;

/// Most bytes of [`Imported::properties`] of one contact. It has room for a portrait as phones
/// write it (base64); a file of 10 MiB can still not make one contact that is slow to handle.
pub const PROPERTIES_MAX: usize = 1024 * 1024;

/// Longest uid, in characters.
pub const UID_MAX: usize = 255;

/// One contact as read from a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Where it begins: the physical line, from 1. Of a vCard that is its `BEGIN`, of a CSV row
    /// the line of its first cell (the header is line 1), of JSON the line of its `{`.
    pub line: u64,
    /// The identity that the file gives it. CSV and JSON have none.
    pub uid: Option<String>,
    /// What our fields hold, valid and normalised.
    pub fields: ContactFields,
    /// Content lines with what has no field of ours, joined by `\n`; at most [`PROPERTIES_MAX`].
    pub properties: String,
}

/// A part of a file that cannot be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// The physical line, counted as in [`Imported::line`].
    pub line: u64,
    /// What is wrong, after the name of the field: `birthday: must not be in the future`.
    pub detail: String,
}

/// What the readers yield, in the order of the file.
pub type Row = Result<Imported, RowError>;
