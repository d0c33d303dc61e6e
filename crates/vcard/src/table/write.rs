//! Contacts → rows in Google's current layout, which also Outlook and Apple can be given by way of
//! Google.
//!
//! Rows are streamed, so the columns are counted before: [`Widths`] goes through all contacts, then
//! [`header`] and one [`row`] each write them. What was written is read again as the same.

use super::columns::Layout;
use super::joined::joined;
use super::text::{escaped, escaped_star, labels_cell, wants_protection};
use super::words::Kind;
use crate::names::says_who;
use crate::{Address, Details, PartialDate};
use std::borrow::Cow;
use std::fmt::Write;

/// The columns of single members, in Google's order.
const SINGLE: [&str; 13] = [
    "First Name",
    "Middle Name",
    "Last Name",
    "Name Prefix",
    "Name Suffix",
    "Nickname",
    "File As",
    "Organization Name",
    "Organization Title",
    "Organization Department",
    "Birthday",
    "Notes",
    "Labels",
];

/// True for a table that [`header`] begins. Its rows are people, whatever words they are: none is another header, and
/// none counts the others.
pub(super) fn wrote(layout: &Layout) -> bool {
    layout.columns.len() >= SINGLE.len()
        && layout.columns.iter().zip(SINGLE).all(|(column, name)| column.header == name)
}

const ADDRESS: [&str; 7] =
    ["Street", "City", "PO Box", "Region", "Postal Code", "Country", "Extended Address"];

/// Most entries of a list that have columns of their own: a card of thousands would make each row of the table as
/// long. The last one has all that are left: each of its cells is a list of theirs ([`joined`]).
pub(super) const ENTRIES_MAX: usize = 50;

/// How many entries of each list the table has columns for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Widths {
    emails: usize,
    phones: usize,
    addresses: usize,
    urls: usize,
    dates: usize,
    relations: usize,
    online: usize,
}

impl Widths {
    /// Makes room for one more contact.
    pub fn add(&mut self, details: &Details) {
        let widen = |width: &mut usize, length: usize| *width = length.min(ENTRIES_MAX).max(*width);
        widen(&mut self.emails, details.emails.len());
        widen(&mut self.phones, details.phones.len());
        widen(&mut self.addresses, details.addresses.len());
        widen(&mut self.urls, details.urls.len());
        widen(&mut self.dates, details.dates.len());
        widen(&mut self.relations, details.relations.len());
        widen(&mut self.online, details.online.len());
    }
}

/// Appends the header line.
pub fn header(out: &mut String, widths: &Widths) {
    out.push_str(&SINGLE.join(","));
    let lists: [(&str, usize, &[&str]); 7] = [
        ("E-mail", widths.emails, &["Value"]),
        ("Phone", widths.phones, &["Value"]),
        ("Address", widths.addresses, &ADDRESS),
        ("Website", widths.urls, &["Value"]),
        ("Event", widths.dates, &["Value"]),
        ("Relation", widths.relations, &["Value"]),
        ("IM", widths.online, &["Service", "Value"]),
    ];
    for (name, width, parts) in lists {
        for number in 1..=width {
            for part in [&["Label"], parts].concat() {
                // Writing into a String cannot fail.
                let _ = write!(out, ",{name} {number} - {part}");
            }
        }
    }
    out.push_str("\r\n");
}

/// Appends the contact as one row. Entries past `widths` are left out: gather them from the same
/// snapshot of the contacts.
pub fn row(out: &mut String, widths: &Widths, details: &Details) {
    let mut line = Cells { out, empty: true };
    let derived = says_who(details);
    let own = Some(&details.display_name).filter(|name| derived.as_ref() != Some(*name));
    let singles = [
        &details.first_name,
        &details.middle_name,
        &details.last_name,
        &details.prefix,
        &details.suffix,
        &details.nickname,
    ];
    singles.into_iter().for_each(|text| line.optional(text.as_ref()));
    line.optional(own);
    line.optional(details.organization.as_ref());
    line.optional(details.job_title.as_ref());
    line.optional(details.department.as_ref());
    line.cell(&details.birthday.map(date).unwrap_or_default(), None);
    line.optional(details.additional_data.as_ref());
    line.cell(&labels_cell(&details.labels), None);
    for at in 0..widths.emails {
        let all = entries_at(&details.emails, at);
        line.cells(at, all, |it| label(it.label.as_ref(), it.primary), None);
        line.cells(at, all, |it| (&it.value).into(), Some(Kind::Email));
    }
    for at in 0..widths.phones {
        let all = entries_at(&details.phones, at);
        line.cells(at, all, |it| label(it.label.as_ref(), it.primary), None);
        line.cells(at, all, |it| (&it.value).into(), Some(Kind::Phone));
    }
    for at in 0..widths.addresses {
        let all = entries_at(&details.addresses, at);
        line.cells(at, all, |it| label(it.label.as_ref(), it.primary), None);
        let parts: [fn(&Address) -> &Option<String>; 7] = [
            |it| &it.street,
            |it| &it.city,
            |it| &it.po_box,
            |it| &it.region,
            |it| &it.postal_code,
            |it| &it.country,
            |it| &it.extended,
        ];
        for part in parts {
            line.cells(at, all, |it| part(it).as_deref().unwrap_or_default().into(), None);
        }
    }
    for at in 0..widths.urls {
        let all = entries_at(&details.urls, at);
        line.cells(at, all, |it| label(it.label.as_ref(), false), None);
        line.cells(at, all, |it| (&it.value).into(), Some(Kind::Url));
    }
    for at in 0..widths.dates {
        let all = entries_at(&details.dates, at);
        line.cells(at, all, |it| label(it.label.as_ref(), false), None);
        line.cells(at, all, |it| date(it.value).into(), None);
    }
    for at in 0..widths.relations {
        let all = entries_at(&details.relations, at);
        line.cells(at, all, |it| label(it.label.as_ref(), false), None);
        line.cells(at, all, |it| (&it.value).into(), Some(Kind::Relation));
    }
    for at in 0..widths.online {
        let all = entries_at(&details.online, at);
        line.cells(at, all, |it| label(it.label.as_ref(), false), None);
        line.cells(at, all, |it| it.service.as_deref().unwrap_or_default().into(), None);
        line.cells(at, all, |it| (&it.value).into(), Some(Kind::Online));
    }
    out.push_str("\r\n");
}

/// What stands in the columns of the entry `at`, from 0.
fn entries_at<T>(entries: &[T], at: usize) -> &[T] {
    let end = if at + 1 == ENTRIES_MAX { entries.len() } else { entries.len().min(at + 1) };
    entries.get(at..end).unwrap_or_default()
}

/// A date; without a year as Google writes it, with a blank in front so that no spreadsheet takes
/// it for a formula.
fn date(date: PartialDate) -> String {
    if date.year.is_some() { date.to_string() } else { format!(" {date}") }
}

/// The label of an entry, as Google writes those that it has itself.
fn label(label: Option<&String>, primary: bool) -> Cow<'_, str> {
    let label = match label.map_or("", String::as_str) {
        "home" => Cow::Borrowed("Home"),
        "work" => Cow::Borrowed("Work"),
        "mobile" => Cow::Borrowed("Mobile"),
        "main" => Cow::Borrowed("Main"),
        "other" => Cow::Borrowed("Other"),
        "pager" => Cow::Borrowed("Pager"),
        "home fax" => Cow::Borrowed("Home Fax"),
        "work fax" => Cow::Borrowed("Work Fax"),
        label => escaped_star(label),
    };
    if primary { format!("* {label}").into() } else { label }
}

/// The cells of a line.
struct Cells<'a> {
    out: &'a mut String,
    empty: bool,
}

impl Cells<'_> {
    fn optional(&mut self, text: Option<&String>) {
        self.cell(text.map_or("", String::as_str), None);
    }

    /// A cell of the entry `at`: what stands in the last column is a list, with a place for each entry.
    fn cells<'e, T>(
        &mut self,
        at: usize,
        entries: &'e [T],
        text: impl Fn(&'e T) -> Cow<'e, str>,
        kind: Option<Kind>,
    ) {
        if at + 1 == ENTRIES_MAX {
            let texts: Vec<_> = entries.iter().map(text).collect();
            let empty = texts.iter().all(|text| text.is_empty());
            self.cell(&if empty { String::new() } else { joined(&texts) }, kind);
            return;
        }
        let text = entries.first().map_or_else(Cow::default, text);
        match kind {
            Some(_) => self.cell(&escaped(&text), kind),
            None => self.cell(&text, None),
        }
    }

    /// Appends one cell, quoted where RFC 4180 asks for it and where programs of other countries
    /// see a separator, protected where a spreadsheet would run it as a formula.
    fn cell(&mut self, text: &str, kind: Option<Kind>) {
        if !std::mem::replace(&mut self.empty, false) {
            self.out.push(',');
        }
        let protect = wants_protection(text, kind);
        let outer = text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace);
        let quoted = outer || text.contains([',', ';', '\t', '|', '"', '\n', '\r']);
        if quoted {
            self.out.push('"');
        }
        if protect {
            self.out.push('\'');
        }
        if text.contains('"') {
            self.out.push_str(&text.replace('"', "\"\""));
        } else {
            self.out.push_str(text);
        }
        if quoted {
            self.out.push('"');
        }
    }
}
