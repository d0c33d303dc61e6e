//! A record of cells → what it says of a person.

use super::cells::Record;
use super::columns::{Layout, Meaning};
use super::dates::from_parts;
use super::forms::{clean, file_as, same_words, says_nothing, words};
use super::text::{google_labels, is_mail, is_number, unprotected};
use super::words::{Member, Part};
use super::write::wrote;
use crate::names::says_who;
use crate::value::{one_line, visible};
use crate::{Address, DateText, Details, Warning, is_valid_phone, odd};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

/// Most characters of a value that a warning shows.
const SHOWN_MAX: usize = 40;
/// Longest number of a house, in octets.
const NUMBER_MAX: usize = 6;

/// A row that is a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<'t> {
    /// The physical line of its first cell; the first line of the file is 1.
    pub line: u64,
    /// What a column `uid` says.
    pub uid: Option<String>,
    /// Never without `display_name`.
    pub details: Details,
    /// What has no member: the name of a content line, at most 64 characters, and its text.
    pub kept: Vec<(Cow<'t, str>, String)>,
    /// Odd values, each in [`Row::details`] or [`Row::kept`] all the same.
    pub warnings: Vec<Warning>,
}

/// A row that cannot be a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// As [`Row::line`]; of a quote that is never closed, the line of the quote.
    pub line: u64,
    /// What is wrong.
    pub detail: String,
}

/// What the row says, or why it cannot be a contact.
pub(super) fn read<'t>(layout: &'t Layout, record: &Record<'_>) -> Result<Row<'t>, RowError> {
    let mut builder = Builder::new(layout, record.line);
    for (at, cell) in record.cells.iter().enumerate() {
        builder.add(at, cell);
    }
    let more = record.cells.get(layout.columns.len()..).unwrap_or_default();
    let more = more.iter().map(|cell| cell.trim()).chain([record.rest]);
    let more = more.filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join(", ");
    if !more.is_empty() {
        builder.warn("row", "it has more cells than the header; they are kept as X-CSV-MORE");
        builder.kept.push((Cow::Borrowed("X-CSV-MORE"), clean(&more).into_owned()));
    }
    builder.finish(record.raw)
}

/// An entry of a list, put together from its columns.
#[derive(Default)]
pub(super) struct Thing {
    pub label: String,
    /// The label stands in a column called `Type`, not `Label`.
    pub is_type: bool,
    pub service: String,
    /// The values, and whether they are one as it stands.
    pub value: String,
    pub as_is: bool,
    pub address: Address,
    /// The whole address, or an unreadable date: its column.
    pub formatted: Option<(usize, String)>,
    pub column: usize,
}

/// A row in the making.
pub(super) struct Builder<'t> {
    pub layout: &'t Layout,
    /// The table is one that we wrote.
    pub own: bool,
    line: u64,
    pub details: Details,
    uid: Option<String>,
    file_as: Option<(usize, String)>,
    full: Option<(usize, String)>,
    occupation: Option<(usize, String)>,
    /// The name before an e-mail address.
    pub addressee: Option<String>,
    /// The labels in lower case.
    labels: HashSet<String>,
    /// Year, month, day.
    born: [String; 3],
    /// By their place in the layout. Rows are short where tables are wide: only what is there.
    things: BTreeMap<usize, Thing>,
    pub kept: Vec<(Cow<'t, str>, String)>,
    warnings: Vec<Warning>,
}

impl<'t> Builder<'t> {
    fn new(layout: &'t Layout, line: u64) -> Builder<'t> {
        Builder {
            layout,
            own: wrote(layout),
            line,
            details: Details::default(),
            uid: None,
            file_as: None,
            full: None,
            occupation: None,
            addressee: None,
            labels: HashSet::new(),
            born: Default::default(),
            things: BTreeMap::new(),
            kept: Vec::new(),
            warnings: Vec::new(),
        }
    }

    pub fn warn(&mut self, member: &str, why: &str) {
        self.warnings.push(Warning { line: self.line, detail: format!("{member}: {why}") });
    }

    /// Takes a cell into account.
    fn add(&mut self, at: usize, cell: &str) {
        let Some(column) = self.layout.columns.get(at) else { return };
        let kind = match column.meaning {
            Meaning::Part(slot, Part::Value) => self.layout.slots.get(slot).map(|slot| slot.kind),
            _ => None,
        };
        let cell = clean(cell);
        let (text, as_is) = unprotected(&cell, kind);
        let nothing = || !self.own && says_nothing(text, self.layout.is_of_names(column.meaning));
        if visible(text).is_none() || nothing() {
            return;
        }
        match column.meaning {
            Meaning::Member(member) => self.member(at, member, text),
            Meaning::Line(name) => self.kept.push((Cow::Borrowed(name), text.to_owned())),
            Meaning::Unknown => self.keep(at, text),
            Meaning::Part(slot, part) => self.part(at, slot, part, text, as_is),
        }
    }

    /// Keeps the text under the name of its column.
    pub fn keep(&mut self, at: usize, text: &str) {
        let Some(column) = self.layout.columns.get(at) else { return };
        let text = match column.says_header {
            true => format!("{}: {text}", column.header),
            false => text.to_owned(),
        };
        self.kept.push((Cow::Borrowed(column.line.as_str()), text));
    }

    fn member(&mut self, at: usize, member: Member, text: &str) {
        let details = &mut self.details;
        let place = match member {
            Member::Prefix => &mut details.prefix,
            Member::First => &mut details.first_name,
            Member::Middle => &mut details.middle_name,
            Member::Last => &mut details.last_name,
            Member::Suffix => &mut details.suffix,
            Member::Nickname => &mut details.nickname,
            Member::Organization => &mut details.organization,
            Member::Department => &mut details.department,
            Member::JobTitle | Member::Title => &mut details.job_title,
            Member::Uid => &mut self.uid,
            Member::Notes => {
                // A header that is there twice says two things.
                let notes = details.additional_data.take();
                let notes = notes.map_or(text.to_owned(), |notes| format!("{notes}\n{text}"));
                details.additional_data = Some(notes);
                return;
            }
            Member::Labels => return google_labels(text).iter().for_each(|text| self.label(text)),
            Member::Categories => {
                let labels = text.split(" ::: ").flat_map(|text| text.split([';', ',']));
                return labels.for_each(|text| self.label(text.trim().trim_matches('"')));
            }
            Member::Birthday => return self.birthday(at, text),
            Member::BirthYear => return text.clone_into(&mut self.born[0]),
            Member::BirthMonth => return text.clone_into(&mut self.born[1]),
            Member::BirthDay => return text.clone_into(&mut self.born[2]),
            // `Contact` is a number as often as a name.
            Member::Full if is_number(text) && is_valid_phone(text) => {
                return self.phone(text, None, false);
            }
            Member::Full if self.full.as_ref().is_some_and(|(_, full)| same_words(full, text)) => {
                return;
            }
            Member::Full if self.full.is_none() => {
                self.full = one_line(text).map(|text| (at, text));
                return;
            }
            Member::FileAs if self.file_as.is_none() => {
                let header = self.layout.columns.get(at).map_or("", |column| &column.header);
                match file_as(header, text) {
                    Some(text) => self.file_as = one_line(text).map(|text| (at, text)),
                    None => self.keep(at, text),
                }
                return;
            }
            Member::Occupation if self.occupation.is_none() => {
                self.occupation = Some((at, text.to_owned()));
                return;
            }
            Member::Full | Member::FileAs | Member::Occupation => return self.another(at, text),
        };
        match place {
            None => *place = one_line(text),
            Some(there) if there == text => {}
            // `Anrede` and `Titel`, of which each may say what the other says.
            Some(there) if member == Member::Prefix => {
                let known: Vec<String> = there.split_whitespace().map(str::to_lowercase).collect();
                let new = text.split_whitespace();
                for word in new.filter(|word| !known.contains(&word.to_lowercase())) {
                    there.push(' ');
                    there.push_str(word);
                }
            }
            Some(_) => self.another(at, text),
        }
    }

    /// Keeps what a member has no room for, because another column filled it.
    fn another(&mut self, at: usize, text: &str) {
        let Some(column) = self.layout.columns.get(at) else { return };
        let member = self.layout.member(column.meaning).unwrap_or_default();
        let shown: String = text.chars().take(SHOWN_MAX).collect();
        let why = format!("{shown:?} is one more; it is kept as {}", column.line);
        self.warn(&member, &why);
        self.keep(at, text);
    }

    /// Adds a label; they are a set ignoring case.
    fn label(&mut self, text: &str) {
        let Some(label) = one_line(text) else { return };
        if self.labels.insert(label.to_lowercase()) {
            self.details.labels.push(label);
        }
    }

    fn birthday(&mut self, at: usize, text: &str) {
        let Some(column) = self.layout.columns.get(at) else { return };
        match column.dates.read(text, column.english) {
            DateText::Date(date) if self.details.birthday.is_none() => {
                self.details.birthday = Some(date);
            }
            DateText::Date(date) if self.details.birthday == Some(date) => {}
            DateText::Date(_) => self.another(at, text),
            DateText::Nothing => {}
            _ => self.unreadable(at, "birthday", text),
        }
    }

    pub fn unreadable(&mut self, at: usize, member: &str, text: &str) {
        let shown: String = text.chars().take(SHOWN_MAX).collect();
        self.warn(member, &format!("{shown:?} is no date that can be read; it is kept as it is"));
        self.keep(at, text);
    }

    fn part(&mut self, at: usize, slot: usize, part: Part, text: &str, as_is: bool) {
        let thing = self.things.entry(slot).or_default();
        let place = match part {
            Part::Label => {
                let header = self.layout.columns.get(at).map_or("", |column| &column.header);
                thing.is_type = !header.to_lowercase().contains("label");
                return text.clone_into(&mut thing.label);
            }
            Part::Service => return text.clone_into(&mut thing.service),
            Part::Value => {
                (thing.column, thing.as_is) = (at, as_is);
                return text.clone_into(&mut thing.value);
            }
            Part::Formatted => return thing.formatted = Some((at, text.to_owned())),
            Part::PoBox => &mut thing.address.po_box,
            Part::Extended => &mut thing.address.extended,
            Part::Street => &mut thing.address.street,
            Part::City => &mut thing.address.city,
            Part::Region => &mut thing.address.region,
            Part::PostalCode => &mut thing.address.postal_code,
            Part::Country => &mut thing.address.country,
        };
        // `Home Street` and `Home Street 2`, or a street and its number.
        let number = text.len() <= NUMBER_MAX && text.starts_with(|c: char| c.is_ascii_digit());
        let between = if number && part == Part::Street { ' ' } else { '\n' };
        let before = place.take().map(|before| format!("{before}{between}")).unwrap_or_default();
        *place = Some(format!("{before}{text}"));
    }

    fn finish(mut self, raw: &str) -> Result<Row<'t>, RowError> {
        for (slot, thing) in std::mem::take(&mut self.things) {
            self.thing(slot, thing);
        }
        // Whom a mail is from and to, and no column says their address.
        if self.details.emails.is_empty()
            && let Some((_, text)) = self.full.take_if(|(_, text)| is_mail(text))
        {
            self.email(&text, None, false);
        }
        self.born();
        if let Some((at, text)) = self.occupation.take() {
            self.member(at, Member::JobTitle, &text);
        }
        let primary = |label: &Option<String>| {
            let label = label.as_deref().unwrap_or_default();
            !label.ends_with("fax") && !["pager", "assistant", "telex"].contains(&label)
        };
        choose(&mut self.details.emails, |entry| &mut entry.primary, |_| true);
        choose(&mut self.details.phones, |entry| &mut entry.primary, |entry| primary(&entry.label));
        choose(&mut self.details.addresses, |entry| &mut entry.primary, |_| true);
        self.name();
        if self.details.display_name.is_empty() {
            let detail =
                "nothing in this row says who it is: no name, organisation, address or number";
            return Err(RowError { line: self.line, detail: detail.to_owned() });
        }
        // A short row under long headers must not become many times as long.
        let names: usize = self.kept.iter().map(|(name, _)| name.len()).sum();
        if names > 3 * raw.len() + 64 {
            self.kept = vec![(Cow::Borrowed("X-CSV-ROW"), clean(raw).into_owned())];
        }
        let Builder { line, uid, details, kept, mut warnings, .. } = self;
        let odd = odd::of_details(&details).into_iter();
        warnings.extend(odd.map(|detail| Warning { line, detail }));
        Ok(Row { line, uid, details, kept, warnings })
    }

    /// Sets the display name: what the row says, or what follows from the names. A name that loses
    /// is kept where it says more than the others.
    fn name(&mut self) {
        let derived = says_who(&self.details).unwrap_or_default();
        let Details { first_name, last_name, nickname, organization, .. } = &self.details;
        let named =
            [first_name, last_name, nickname, organization].into_iter().any(Option::is_some);
        let (said, other) = match (self.file_as.take(), self.full.take()) {
            (Some(file_as), full) => (Some(file_as.1), full),
            (None, full) => (full.map(|full| full.1), None),
        };
        let more = |name: &str| {
            words(name) != words(&derived)
                && said.as_ref().is_none_or(|said| words(name) != words(said))
        };
        let other = other.filter(|(_, other)| more(other));
        let addressee = self.addressee.take().filter(|name| more(name));
        let (said, addressee) = match (said, addressee) {
            (None, Some(addressee)) if !named => (Some(addressee), None),
            (said, addressee) => (said, addressee),
        };
        if let Some((at, other)) = other {
            self.keep(at, &other);
        }
        if let Some(addressee) = addressee {
            self.kept.push((Cow::Borrowed("X-CSV-ADDRESSEE"), addressee));
        }
        self.details.display_name = said.unwrap_or(derived);
    }

    /// Thunderbird's three columns.
    fn born(&mut self) {
        let [year, month, day] = &self.born;
        if self.details.birthday.is_some() || self.born.iter().all(String::is_empty) {
            return;
        }
        match from_parts(year, month, day) {
            DateText::Date(date) => self.details.birthday = Some(date),
            DateText::Nothing => {}
            _ => {
                let text = [year, month, day].map(String::as_str).join("-");
                self.warn(
                    "birthday",
                    &format!("{text:?} is no date; it is kept as X-CSV-BIRTHDAY"),
                );
                self.kept.push((Cow::Borrowed("X-CSV-BIRTHDAY"), text));
            }
        }
    }
}

/// Marks one entry as the primary one: the first that is marked, else the first good one.
fn choose<T>(list: &mut [T], flag: impl Fn(&mut T) -> &mut bool, good: impl Fn(&T) -> bool) {
    let marked = list.iter_mut().position(|entry| *flag(entry));
    let chosen = marked.or_else(|| list.iter().position(good)).unwrap_or(0);
    for (at, entry) in list.iter_mut().enumerate() {
        *flag(entry) = at == chosen;
    }
}
